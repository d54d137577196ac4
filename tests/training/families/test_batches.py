"""Model families other than LLaVA: their batches are TRL's, and they train.

Idefics3 pads pictures across a batch, so it takes the way where every batch is prepared whole;
Gemma 3 has token types and sees its pictures with bidirectional attention.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.dpo_trainer import DataCollatorForVisionPreference

from training.jobs.folder import JobFolder
from training.modeling import models, rows
from training.modeling.encoding import Encoder
from training.modeling.pictures import PictureSource
from training.runs import dpo

Families = Mapping[str, Callable[[], tuple[Any, Any]]]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["idefics3", "gemma3"])
def test_a_family_gets_trl_s_batches_and_trains(
    name: str,
    families: Families,
    world: Any,
    examples: Any,
    job: Callable[..., JobFolder],
    tmp_path: Path,
) -> None:
    model, processor = families[name]()
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    location = tmp_path / "family"
    model.save_pretrained(location)
    processor.save_pretrained(location)

    loaded = models.load(str(location), device=torch.device("cpu"))
    source = PictureSource(world.store.url, None)
    encoder = Encoder(loaded, source)
    found = rows.read(world.write(examples.mixed(6, 0)))
    ours = encoder.collate(encoder.encode(found).pairs)
    stock = DataCollatorForVisionPreference(loaded.processor)
    theirs = stock([examples.trl_row(row, source) for row in found])
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)

    folder = job(model=location, epochs=1)
    dpo.train(folder)
    result = folder.result()
    assert result is not None
    assert result.state == "succeeded"
    assert result.metrics["start_reward_gap"]["value"] == 0
    assert result.metrics["reward_gap"]["value"] > 0
