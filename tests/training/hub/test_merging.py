"""An adapter merged into the weights underneath: the same answers from one folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from storage.errors import DamagedError, WrongInputError
from storage.rows import Checkpoint
from storage.workspace import Workspace
from training.jobs import starts
from training.modeling import merging, models, tuned
from training.runs import manifest

Train = Callable[..., Checkpoint]


def logits_of(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=torch.arange(5, 45).unsqueeze(0)).logits


def test_a_merged_model_says_what_both_adapters_say_on_their_base(
    workspace: Workspace, train: Train, tiny_vlm: Path, tmp_path: Path
) -> None:
    first = train("round-1")
    second = train("round-2", parent=first.id)
    made = merging.merge(workspace, "round-2", tmp_path / "one.whole")
    assert (made.folder, made.dtype) == (tmp_path / "one.whole", "float32")
    assert made.difference < 1e-4

    stacked = AutoModelForImageTextToText.from_pretrained(tiny_vlm)
    for one in (first, second):
        folder = workspace.home / one.path
        with models.quiet_peft():
            stacked = PeftModel.from_pretrained(stacked, folder).merge_and_unload()
    merged = AutoModelForImageTextToText.from_pretrained(made.folder)
    assert torch.allclose(logits_of(merged), logits_of(stacked), atol=1e-4)
    bare = AutoModelForImageTextToText.from_pretrained(tiny_vlm)
    assert not torch.allclose(logits_of(merged), logits_of(bare), atol=0.1)

    # a model to start from, which tells where it comes from
    kept = manifest.verify(made.folder)
    assert [one["name"] for one in kept.facts["lineage"]] == ["round-1", "round-2"]
    with workspace.ledger.read() as db:
        start = starts.resolve(db, str(made.folder))
    assert tuned.doubt(start) == ""
    assert models.load_processor(str(made.folder))[0].sees
    with pytest.raises(WrongInputError, match="is there already"):
        merging.merge(workspace, "round-2", made.folder)


def test_what_does_not_say_the_same_is_not_written(
    workspace: Workspace, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train("round-1")
    load = models.load

    def spoiled(location: str, *args: Any, **more: Any) -> Any:
        if location.endswith(".partial"):
            (file,) = Path(location).glob("*.safetensors")
            weights = load_file(file)
            name = next(name for name in weights if "o_proj" in name)
            save_file({**weights, name: weights[name] * 1.5}, file, metadata={"format": "pt"})
        return load(location, *args, **more)

    monkeypatch.setattr(models, "load", spoiled)
    with pytest.raises(DamagedError, match="differs from the adapter by up to"):
        merging.merge(workspace, "round-1", tmp_path / "out")
    assert list(tmp_path.glob("out*")) == []


def test_a_torn_adapter_is_not_merged(workspace: Workspace, train: Train, tmp_path: Path) -> None:
    file = workspace.home / train("round-1").path / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(DamagedError, match="instead of"):
        merging.merge(workspace, "round-1", tmp_path / "out")
    assert not (tmp_path / "out").exists()
