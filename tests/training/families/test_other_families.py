"""Families of another kind: prompts that see both ways, convolutions, cross-attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from trl.trainer.utils import add_fused_lm_head

from training.modeling import rows
from training.modeling.encoding import CROSS_ATTENTION, EncodedPair, Encoder
from training.modeling.models import Loaded
from training.modeling.pictures import PictureSource
from training.runs import sharing

Families = Mapping[str, Callable[..., tuple[Any, Any]]]
VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
# PaliGemma's own processor hands numpy a tensor in a way that numpy will drop
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class Bench:
    """A model with TRL's head, and encoded pairs of this world."""

    def __init__(self, made: tuple[Any, Any], world: Any, examples: Any) -> None:
        self.model, processor = made
        tokenizer = getattr(processor, "tokenizer", processor)
        self.model.generation_config.eos_token_id = tokenizer.eos_token_id
        add_fused_lm_head(self.model)
        loaded = Loaded(self.model.eval(), processor, tokenizer, processor is not tokenizer)
        self.encoder = Encoder(loaded, PictureSource(world.store.url, None))
        found = rows.read(world.write(examples.mixed(9, 0)))
        self.pairs: tuple[EncodedPair, ...] = self.encoder.encode(found).pairs

    @property
    def sharing(self) -> sharing.Sharing:
        return sharing.choose(self.model, self.encoder, self.pairs)


def paligemma(tiny: Any, decoder: str = "gemma", **more: Any) -> tuple[Any, Any]:
    """Its decoder is Gemma, or Gemma 2 in PaliGemma 2."""
    from transformers import (
        PaliGemmaConfig,
        PaliGemmaForConditionalGeneration,
        PaliGemmaProcessor,
    )
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    tokenizer = tiny.tokenizer()
    tokenizer.bos_token = "<|system|>"
    pictures = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    pictures.image_seq_length = 16
    processor = PaliGemmaProcessor(pictures, tokenizer, chat_template=tiny.template("<image>"))
    torch.manual_seed(0)
    text = {
        "model_type": decoder,
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "initializer_range": 0.1,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
    }
    config = PaliGemmaConfig(
        vision_config={"model_type": "siglip_vision_model", **VISION},
        text_config=text | more,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        projection_dim=32,
        tie_word_embeddings=False,
    )
    return PaliGemmaForConditionalGeneration(config), processor


def mllama(tiny: Any) -> Any:
    """The processor of a family that looks at pictures by cross-attention."""
    from transformers import MllamaProcessor
    from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

    tokenizer = tiny.tokenizer("<|python_tag|>", image_token="<|image|>")
    tokenizer.bos_token = "<|system|>"
    return MllamaProcessor(
        MllamaImageProcessorPil(size={"height": 32, "width": 32}, max_image_tiles=2),
        tokenizer,
        chat_template=tiny.template("<|image|>"),
    )


@pytest.mark.parametrize(
    ("decoder", "more"),
    [("gemma", {}), ("gemma2", {"sliding_window": 4096})],
)
def test_a_prompt_that_sees_itself_in_both_directions_is_shared(
    decoder: str, more: dict[str, Any], tiny: Any, world: Any, examples: Any
) -> None:
    bench = Bench(paligemma(tiny, decoder=decoder, **more), world, examples)
    # it takes no prompt without a picture
    assert [len(pair.prompt.images) for pair in bench.pairs] == [1, 2] * 3
    found = sharing.difference(
        bench.model, bench.encoder, bench.pairs, sharing._attention(bench.model)
    )
    assert found.log_probability < 1e-5
    assert found.gradient < 1e-4
    assert bench.sharing.reason == ""


def test_an_answer_never_sees_what_comes_after_it(tiny: Any, world: Any, examples: Any) -> None:
    bench = Bench(paligemma(tiny), world, examples)
    batch = bench.encoder.collate([bench.pairs[0]])
    batch.pop("completion_mask")
    last = bench.pairs[0].length - 1
    changed = {**batch, "input_ids": batch["input_ids"].clone()}
    changed["input_ids"][0, last] = 65
    with torch.no_grad():
        before, after = (bench.model(**one).logits[0, : last - 1] for one in (batch, changed))
    assert torch.equal(before, after)


def test_paligemma_2_is_shared_only_below_its_window(tiny: Any, world: Any, examples: Any) -> None:
    bench = Bench(paligemma(tiny, decoder="gemma2", sliding_window=24), world, examples)
    reason = bench.sharing.reason
    assert "sliding window is 24 tokens" in reason


def test_a_convolution_keeps_its_two_rows(
    families: Families, world: Any, examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(
        families["text_only"](family="lfm2", layer_types=["conv", "full_attention"]),
        world,
        examples,
    )
    chosen = bench.sharing
    assert "lfm2 was never tested" in chosen.note
    monkeypatch.setattr(sharing, "FAMILIES", frozenset({"lfm2"}))
    assert "conv carry state" in bench.sharing.reason
    monkeypatch.setattr(sharing, "_KINDS", sharing._KINDS | {"conv"})
    assert "differ by" in bench.sharing.reason


def test_pictures_by_cross_attention_are_left_out_and_counted(
    tiny: Any, world: Any, examples: Any
) -> None:
    processor = mllama(tiny)
    encoder = Encoder(
        Loaded(None, processor, processor.tokenizer, True), PictureSource(world.store.url, None)
    )
    encoded = encoder.encode(rows.read(world.write(examples.mixed(9, 0))))
    assert len(encoded.pairs) == 3
    assert encoded.counts == {CROSS_ATTENTION: 6}
