"""Which starts nobody has tuned: by name, model card, manifest and lineage."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.jobs.starts import Start
from training.modeling import tuned
from training.runs import manifest


@pytest.mark.parametrize(
    "name",
    ["Qwen/Qwen3-VL-4B-Instruct", "org/Some-Thinking-8B", "google/gemma-3-4b-it", "org/yi-chat"],
)
def test_a_model_that_is_named_for_it_is_taken_as_tuned(name: str) -> None:
    assert tuned.doubt(Start(name, name)) == ""
    assert tuned.doubt(Start("mine", name)) == ""


@pytest.mark.parametrize("name", ["Qwen/Qwen3-8B-Base", "google/paligemma-3b-pt-224", "org/italic"])
def test_a_model_that_nothing_speaks_for_is_doubted(name: str) -> None:
    assert f"{name} has no SFT in its lineage" in tuned.doubt(Start(name, name))


def test_a_checkpoint_is_not_asked_about_again() -> None:
    assert tuned.doubt(Start("first", "org/base", ("c1",))) == ""


def test_the_folder_of_a_model_tells_what_its_name_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    assert tuned.doubt(Start("plain", str(folder)))
    card = folder / "README.md"
    card.write_text("---\ntags:\n- trl\n- sft\n---\n", encoding="utf-8")
    assert tuned.doubt(Start("plain", str(folder))) == ""
    # what stands below the head is prose
    card.write_text("---\ntags: [trl]\n---\n- sft comes later\n", encoding="utf-8")
    assert tuned.doubt(Start("plain", str(folder)))
    card.unlink()
    manifest.complete(folder, {tuned.STAGES: ["sft", "dpo"]})
    assert tuned.doubt(Start("plain", str(folder))) == ""
