"""The job folder: what is written is what is read, also after a kill in the middle of a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.errors import DamagedError
from training.jobs.folder import DatasetRef, JobFolder, RunResult, RunSpec

SPEC = RunSpec(
    job="j1",
    attempt=2,
    kind="train",
    settings={"beta": 0.1},
    model="/models/tiny",
    adapters=("/a", "/b"),
    reference_model="/models/tiny",
    reference_adapters=(),
    dataset=DatasetRef("v1", "/d/v1.parquet", "consensus", "0" * 64),
    split="holdout",
    media_url="file:///media",
)


def _lines(folder: JobFolder) -> list[dict[str, object]]:
    return [json.loads(line) for line in folder.events_file.read_text("utf-8").splitlines()]


def test_a_spec_reads_back_as_it_was_written(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "j1")
    folder.write_spec(SPEC)
    assert folder.read_spec() == SPEC
    assert folder.checkpoints.is_dir()
    bare = RunSpec(job="j", attempt=1, kind="sample", settings={}, model="m", prompts="/p.jsonl")
    folder.write_spec(bare)
    assert folder.read_spec() == bare


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"schema":1}', '{"schema":9,"kind":"train"}', '{"schema":1,"x":1}']
)
def test_a_spec_that_cannot_be_used_is_damaged(tmp_path: Path, content: str) -> None:
    folder = JobFolder(tmp_path)
    with pytest.raises(DamagedError, match=r"spec\.json is missing"):
        folder.read_spec()
    folder.spec_file.write_text(content, encoding="utf-8")
    with pytest.raises(DamagedError, match=r"spec\.json"):
        folder.read_spec()


def test_events_are_numbered_lines_of_strict_json(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    folder.write_spec(SPEC)
    folder.read_spec()
    folder.progress("training", 1, 40, eta_seconds=12.34)
    folder.metric(1, 0.1, "train", {"loss": float("nan"), "margin": {"value": float("inf")}})
    folder.note("drei Bilder fehlen: 猫")
    first, second, third = _lines(folder)
    assert [first["sequence"], second["sequence"], third["sequence"]] == [1, 2, 3]
    assert first["attempt"] == 2
    assert first["payload"] == {"phase": "training", "step": 1, "steps": 40, "eta_seconds": 12.3}
    assert second["payload"] == {
        "step": 1,
        "epoch": 0.1,
        "split": "train",
        "values": {"loss": None, "margin": {"value": None}},
    }
    assert third["payload"] == {"text": "drei Bilder fehlen: 猫"}
    with pytest.raises(ValueError, match="event kind"):
        folder.emit("gossip", {})


@pytest.mark.parametrize("torn", [b"", b'{"sequence": 3, "kind": "no', b"\x00\x00"])
def test_the_sequence_goes_on_after_a_restart_and_a_torn_line_is_cut(
    tmp_path: Path, torn: bytes
) -> None:
    first = JobFolder(tmp_path)
    first.note("one")
    first.note("two")
    with first.events_file.open("ab") as file:
        file.write(torn)
    second = JobFolder(tmp_path)
    second.note("three")
    assert [line["sequence"] for line in _lines(second)] == [1, 2, 3]


def test_a_result_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    assert folder.result() is None
    folder.finish("checkpoints/step-4", "adapter", {"kl_per_token": {"value": float("nan")}})
    assert folder.result() == RunResult(
        "succeeded", "checkpoints/step-4", "adapter", {"kl_per_token": {"value": None}}
    )
    folder.fail("The picture is gone.", "Import it again.")
    assert folder.result() == RunResult(
        "failed", what="The picture is gone.", next_step="Import it again."
    )
    folder.stop()
    assert folder.result() == RunResult("stopped")
    folder.forget_result()
    assert folder.result() is None
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_tail_of_the_log_is_short_and_readable(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    assert folder.log_tail() == ""
    folder.log_file.write_bytes(b"\xff" * 50_000 + b"\n" + b"line\n" * 100)
    assert folder.log_tail(lines=3) == "line\nline\nline"
