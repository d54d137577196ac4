"""Kept features of pictures say and learn what the vision tower does, family by family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.utils import add_fused_lm_head

from training.jobs.folder import JobFolder
from training.jobs.journal import Journal
from training.modeling import rows, vision_features
from training.modeling.encoding import Encoder
from training.modeling.models import Loaded
from training.modeling.pictures import PictureSource
from training.modeling.vision_features import VisionFeatures
from training.runs import dpo, sharing

Families = Mapping[str, Callable[..., tuple[Any, Any]]]
SEEING = sorted(sharing.FAMILIES - {"llama", "mistral", "mllama", "paligemma", "qwen2", "qwen3"})


# GLM's own processor hands numpy a tensor in a way that numpy will drop
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", SEEING)
def test_a_family_says_and_learns_the_same_from_kept_features(
    name: str, families: Families, world: Any, examples: Any, tmp_path: Path
) -> None:
    model, processor = families[name]()
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    add_fused_lm_head(model)
    for _, weight in vision_features.outside_decoder(model):
        weight.requires_grad_(False)
    loaded = Loaded(model.eval(), processor, processor.tokenizer, True)
    encoder = Encoder(loaded, PictureSource(world.store.url, None))
    pairs = encoder.encode(rows.read(world.write(examples.mixed(6, 0)))).pairs
    kept = VisionFeatures(tmp_path / "vision")
    for pair in pairs:
        if pair.prompt.images:
            media = encoder.media([pair.prompt])
            kept.keep(pair.prompt.images, vision_features.compute(model, media))
    encoder.features = kept
    batch = encoder.collate(pairs, pictures_once=True)
    assert not any(entry.startswith("pixel_") for entry in batch)
    found = sharing.difference(model, encoder, pairs, sharing._attention(model))
    assert found.log_probability < 1e-5
    assert found.gradient < 1e-4


def test_a_run_keeps_features_and_the_next_one_never_runs_the_tower(
    job: Callable[..., JobFolder], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = job("plain", epochs=1)
    dpo.train(plain)
    passes: list[str] = []
    compute = vision_features.compute

    def counted(*words: Any) -> Any:
        passes.append("tower")
        return compute(*words)

    monkeypatch.setattr(vision_features, "compute", counted)
    runs = [shared_cache(job(name, epochs=1, vision_cache=True), tmp_path) for name in "ab"]
    for folder in runs:
        dpo.train(folder)
    # red alone, and green with red
    assert len(passes) == 2
    for folder, said in zip(
        runs, ("2 prompts; what it made of those of 0", "0 prompts; what"), strict=True
    ):
        assert any(said in note for note in Journal(folder).notes)
        ours, theirs = Journal(folder).metrics_of("train"), Journal(plain).metrics_of("train")
        assert [one["loss"] for one in ours.values()] == pytest.approx(
            [one["loss"] for one in theirs.values()], rel=1e-4
        )


def shared_cache(folder: JobFolder, home: Path) -> JobFolder:
    from dataclasses import replace

    folder.write_spec(replace(folder.read_spec(), cache=str(home / "cache")))
    return folder


def test_a_torn_file_is_computed_again(tmp_path: Path) -> None:
    kept = VisionFeatures(tmp_path)
    kept.keep(("a",), {vision_features.WHOLE: torch.ones(3, 4)})
    (file,) = tmp_path.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-5])
    assert kept.has(("a",))
    assert not kept.is_whole(("a",))
    assert not kept.has(("a",))
