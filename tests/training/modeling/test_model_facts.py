"""What a model is, told from its files without loading it."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from training.modeling import model_facts, models

CONFIG = {"model_type": "qwen3_vl", "vision_config": {"depth": 1}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A vision-language model of a few tensors in one file."""
    made = tmp_path / "Qwen3-VL-Mini-Instruct"
    made.mkdir()
    (made / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    save_file(tensors(), made / "model.safetensors")
    return made


def tensors() -> dict[str, Any]:
    return {
        "model.language_model.embed_tokens.weight": np.zeros((10, 4), np.float16),
        "model.language_model.layers.0.mlp.up_proj.weight": np.zeros((8, 4), np.float16),
        "model.language_model.layers.0.norm.weight": np.zeros(4, np.float16),
        "model.visual.blocks.0.attn.qkv.weight": np.zeros((6, 2), np.float16),
        "lm_head.weight": np.zeros((10, 4), np.float16),
    }


def test_family_size_and_number_format_are_read_from_the_files(folder: Path) -> None:
    found = model_facts.read(str(folder))
    assert (found.family, found.sees, found.dtype) == ("Qwen3-VL", True, "float16")
    assert (found.parameters, found.size) == (40 + 32 + 4 + 12 + 40, 2 * 128)
    assert found.trouble == ""


def test_the_vision_tower_is_not_among_what_training_changes(folder: Path) -> None:
    found = model_facts.read(str(folder))
    assert (found.trained, found.linear_sides) == (40 + 32 + 4 + 40, 8 + 4)


def test_a_model_in_several_files_is_read_by_its_index(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    parts = list(tensors().items())
    save_file(dict(parts[:2]), folder / "model-00001-of-00002.safetensors")
    save_file(dict(parts[2:]), folder / "model-00002-of-00002.safetensors")
    # the same weights once more, in a form that loading does not read
    save_file(tensors(), folder / "consolidated.safetensors")
    index = {
        name: f"model-0000{1 if at < 2 else 2}-of-00002.safetensors"
        for at, (name, _) in enumerate(parts)
    }
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": index}), encoding="utf-8")
    assert model_facts.read(str(folder)).parameters == 128


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("Qwen3-VL-4B-Instruct", "Instruct"), ("qwen3-vl-4b-thinking", "Thinking"), ("plain", "")],
)
def test_a_name_tells_what_a_model_is_for(name: str, beginning: str) -> None:
    found = model_facts.read(f"org/{name}")
    assert found.kind.startswith(beginning)
    assert bool(found.kind) == bool(beginning)


def test_of_a_hub_id_that_is_not_here_nothing_is_claimed() -> None:
    found = model_facts.read("no-such/model-of-ours")
    assert (found.parameters, found.size, found.sees) == (None, None, None)
    assert "not downloaded" in found.trouble


def test_a_downloaded_hub_id_is_read_from_the_local_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    repository = cache / "models--org--mini"
    (repository / "snapshots").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    folder.rename(repository / "snapshots" / ("0" * 40))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    found = model_facts.read("org/mini")
    assert (found.parameters, found.trouble) == (128, "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"short", "cannot be read"),
        (struct.pack("<Q", 2**40), "header of 1099511627776 bytes"),
        (struct.pack("<Q", 4) + b"nope", "cannot be read"),
    ],
)
def test_damaged_weights_are_said_and_not_guessed(folder: Path, content: bytes, words: str) -> None:
    (folder / "model.safetensors").write_bytes(content)
    found = model_facts.read(str(folder))
    assert words in found.trouble
    assert found.parameters is None


def test_a_folder_without_weights_or_that_is_not_there_says_so(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "model.safetensors").unlink()
    assert "no *.safetensors" in model_facts.read(str(folder)).trouble
    assert "no model folder" in model_facts.read(str(tmp_path / "nowhere")).trouble


@pytest.mark.parametrize("which", ["tiny_vlm", "tiny_text_model"])
def test_what_is_counted_is_what_a_real_training_trains(
    which: str, request: pytest.FixtureRequest
) -> None:
    from peft import get_peft_model

    folder: Path = request.getfixturevalue(which)
    found = model_facts.read(str(folder))
    loaded = models.load(str(folder), device=torch.device("cpu"))
    assert found.parameters == sum(value.numel() for value in loaded.model.parameters())
    assert found.sees is loaded.sees
    assert found.trained == models.freeze_outside_decoder(loaded.model)
    with models.quiet_peft():
        policy = get_peft_model(loaded.model, models.lora(loaded.model, 3, "decoder"))
    adapter = sum(value.numel() for name, value in policy.named_parameters() if "lora_" in name)
    assert found.linear_sides is not None
    assert adapter == 3 * found.linear_sides
