"""Model families other than LLaVA: their batches are TRL's, and they train.

Idefics3 pads pictures across a batch, so it takes the way where every batch is prepared whole;
Gemma 3 has token types and sees its pictures with bidirectional attention.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.dpo_trainer import DataCollatorForVisionPreference

from training import dpo, models, rows
from training.encoding import Encoder
from training.folder import JobFolder
from training.pictures import PictureSource


def text_config(tokenizer: Any, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "initializer_range": 0.1,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
    } | more


VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}


def idefics3(tiny: Any) -> tuple[Any, Any]:
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import (
        Idefics3ImageProcessorPil,
    )

    tiles = [f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)]
    names = ["<fake_token_around_image>", "<end_of_utterance>", "<global-img>", *tiles]
    tokenizer = tiny.tokenizer(*names)
    pictures = Idefics3ImageProcessorPil(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 32}
    )
    processor = Idefics3Processor(
        pictures, tokenizer, image_seq_len=4, chat_template=tiny.template("<image>")
    )
    config = Idefics3Config(
        text_config={"model_type": "llama", **text_config(tokenizer)},
        vision_config=VISION,
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    return Idefics3ForConditionalGeneration(config), processor


def gemma3(tiny: Any) -> tuple[Any, Any]:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    tokenizer = tiny.tokenizer(boi_token="<boi>", eoi_token="<eoi>")
    number = tokenizer.convert_tokens_to_ids
    processor = Gemma3Processor(
        Gemma3ImageProcessorPil(size={"height": 32, "width": 32}),
        tokenizer,
        chat_template=tiny.template("<boi>"),
        image_seq_length=4,
    )
    config = Gemma3Config(
        text_config=text_config(tokenizer, head_dim=16, sliding_window=64),
        vision_config=VISION,
        mm_tokens_per_image=4,
        image_token_index=number("<image>"),
        boi_token_index=number("<boi>"),
        eoi_token_index=number("<eoi>"),
        tie_word_embeddings=False,
    )
    return Gemma3ForConditionalGeneration(config), processor


@pytest.mark.slow
@pytest.mark.parametrize("build", [idefics3, gemma3])
def test_a_family_gets_trl_s_batches_and_trains(
    build: Callable[[Any], tuple[Any, Any]],
    tiny: Any,
    world: Any,
    examples: Any,
    job: Callable[..., JobFolder],
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    model, processor = build(tiny)
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
