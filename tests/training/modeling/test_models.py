"""Loading models: what works, and what each refusal says."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from storage.errors import NotFoundError, WrongInputError
from training.modeling import models

CPU = torch.device("cpu")


@pytest.fixture
def copied(tiny_vlm: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_vlm, tmp_path / "copied"))


def make_adapter(folder: Path, location: Path, seed: int) -> str:
    """A LoRA with random weights, as a run would have saved it."""
    loaded = models.load(str(location), device=CPU)
    with models.quiet_peft():
        policy: Any = get_peft_model(loaded.model, models.lora(loaded.model, 2, "decoder"))
    torch.manual_seed(seed)
    for name, value in policy.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(value, std=0.2)
    policy.save_pretrained(folder)
    return str(folder)


def test_a_seeing_model_comes_with_its_processor(tiny_vlm: Path) -> None:
    loaded = models.load(str(tiny_vlm), device=CPU)
    assert loaded.sees
    assert loaded.processor.image_processor is not None
    assert not loaded.model.training


def test_a_text_only_model_comes_with_its_tokenizer(tiny_text_model: Path) -> None:
    loaded = models.load(str(tiny_text_model), device=CPU)
    assert not loaded.sees
    assert loaded.tokenizer is loaded.processor


def test_an_unknown_folder_is_named() -> None:
    with pytest.raises(NotFoundError, match="no model folder '/nowhere/model'") as caught:
        models.load("/nowhere/model", device=CPU)
    assert "config.json" in caught.value.next_step


def test_a_hub_id_that_the_hub_does_not_give_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(NotFoundError, match="'no-such/model' is no folder here"):
        models.load("no-such/model", device=CPU)


def test_a_folder_without_configuration_is_refused(copied: Path) -> None:
    (copied / "config.json").unlink()
    with pytest.raises(NotFoundError, match=r"no config\.json"):
        models.load(str(copied), device=CPU)


def test_a_folder_without_weights_is_refused(copied: Path) -> None:
    (copied / "model.safetensors").unlink()
    with pytest.raises(NotFoundError, match=r"no \*\.safetensors"):
        models.load(str(copied), device=CPU)


def test_pickled_weights_are_refused(copied: Path) -> None:
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(WrongInputError, match="can run code"):
        models.load(str(copied), device=CPU)


def test_torn_weights_are_refused(copied: Path) -> None:
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(WrongInputError, match="cannot be loaded"):
        models.load(str(copied), device=CPU)


def test_a_model_without_chat_template_is_refused(copied: Path) -> None:
    (copied / "chat_template.jinja").unlink()
    with pytest.raises(WrongInputError, match="no chat template"):
        models.load(str(copied), device=CPU)


def test_an_adapter_without_weights_is_refused(tiny_vlm: Path, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter", tiny_vlm, seed=1)
    (tmp_path / "adapter" / "adapter_model.safetensors").unlink()
    with pytest.raises(NotFoundError, match=r"no adapter_model\.safetensors"):
        models.load(str(tiny_vlm), [adapter], device=CPU)


def test_an_adapter_of_another_model_is_refused(
    tiny_vlm: Path, tiny_text_model: Path, tmp_path: Path
) -> None:
    adapter = make_adapter(tmp_path / "adapter", tiny_vlm, seed=1)
    with pytest.raises(WrongInputError, match="does not fit the model"):
        models.load(str(tiny_text_model), [adapter], device=CPU)


def test_adapters_are_merged_parent_first(tiny_vlm: Path, tmp_path: Path) -> None:
    chain = [make_adapter(tmp_path / f"a{seed}", tiny_vlm, seed) for seed in (1, 2)]
    plain = models.load(str(tiny_vlm), device=CPU).model.state_dict()
    merged = models.load(str(tiny_vlm), chain, device=CPU).model.state_dict()
    one = models.load(str(tiny_vlm), chain[:1], device=CPU).model.state_dict()
    other = models.load(str(tiny_vlm), chain[1:], device=CPU).model.state_dict()
    assert set(merged) == set(plain)
    changed = [name for name in plain if not torch.equal(plain[name], merged[name])]
    assert len(changed) == 14
    for name in changed:
        both = one[name] + other[name] - plain[name]
        assert torch.allclose(merged[name], both, atol=1e-6)


def test_a_lora_touches_the_decoder_and_neither_tower_nor_projector_nor_head(
    tiny_vlm: Path,
) -> None:
    model = models.load(str(tiny_vlm), device=CPU).model
    with models.quiet_peft():
        policy: Any = get_peft_model(model, models.lora(model, 4, "decoder"))
    trained = [name for name, value in policy.named_parameters() if value.requires_grad]
    # two layers of seven linear modules, each with A and B
    assert len(trained) == 28
    assert all("language_model" in name for name in trained)


def test_named_target_modules_mean_the_decoder_s(tiny_vlm: Path) -> None:
    model = models.load(str(tiny_vlm), device=CPU).model
    config: LoraConfig = models.lora(model, 8, ["q_proj", "v_proj"])
    assert (config.r, config.lora_alpha) == (8, 16)
    with models.quiet_peft():
        policy: Any = get_peft_model(model, config)
    trained = [name for name, value in policy.named_parameters() if value.requires_grad]
    assert len(trained) == 8
    assert not any("vision_tower" in name for name in trained)


def test_an_unknown_target_module_is_refused_with_the_known_ones(tiny_vlm: Path) -> None:
    model = models.load(str(tiny_vlm), device=CPU).model
    with pytest.raises(WrongInputError, match="names qproj") as caught:
        models.lora(model, 4, ["qproj"])
    assert "q_proj" in caught.value.next_step


def test_full_fine_tuning_leaves_tower_and_projector_frozen(tiny_vlm: Path) -> None:
    model = models.load(str(tiny_vlm), device=CPU).model
    assert models.freeze_outside_decoder(model) > 0
    frozen = {name for name, value in model.named_parameters() if not value.requires_grad}
    assert frozen
    assert all("vision_tower" in name or "projector" in name for name in frozen)
