"""Families of another kind: prompts that see both ways, convolutions, cross-attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.utils import add_fused_lm_head

from storage.errors import WrongInputError
from storage.rows import Part, Turn
from training.answers import drawing
from training.jobs.folder import JobFolder
from training.jobs.journal import Journal
from training.modeling import cross_attention, rows, vision_features
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.models import Loaded
from training.modeling.pictures import PictureSource
from training.modeling.vision_features import VisionFeatures
from training.runs import dpo, sharing

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
        self.processor = processor
        tokenizer = getattr(processor, "tokenizer", processor)
        self.model.generation_config.eos_token_id = tokenizer.eos_token_id
        add_fused_lm_head(self.model)
        self.loaded = Loaded(self.model.eval(), processor, tokenizer, processor is not tokenizer)
        self.source = PictureSource(world.store.url, None)
        self.encoder = Encoder(self.loaded, self.source)
        self.encoded = self.encoder.encode(rows.read(world.write(examples.mixed(9, 0))))
        self.pairs: tuple[EncodedPair, ...] = self.encoded.pairs

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


def test_pictures_beside_the_tokens_are_shared_by_prompts_with_as_many(
    families: Families, world: Any, examples: Any, tmp_path: Path
) -> None:
    bench = Bench(families["mllama"](), world, examples)
    # three prompts each with none, one and two pictures: of equal numbers the larger stays
    assert [len(pair.prompt.images) for pair in bench.pairs] == [2] * 3
    assert bench.encoded.counts == {cross_attention.UNLIKE: 6}
    found = rows.read(world.write([one for one in examples.mixed(9, 0) if len(one.pictures) == 1]))
    single = bench.encoder.encode(found).pairs
    assert [len(pair.prompt.images) for pair in single] == [1] * 3
    for pairs in (bench.pairs, single):
        assert sharing.choose(bench.model, bench.encoder, pairs).reason == ""
        assert close(bench, pairs)
    # the tower's output kept and given once per pair
    kept = VisionFeatures(tmp_path)
    for pair in bench.pairs:
        made = vision_features.compute(bench.model, bench.encoder.media([pair.prompt]))
        kept.keep(pair.prompt.shown, made)
    bench.encoder.features = kept
    batch = bench.encoder.collate(bench.pairs, pictures_once=True)
    assert not any(name.startswith(("pixel_", "aspect_")) for name in batch)
    assert close(bench, bench.pairs)


def close(bench: Bench, pairs: Any) -> bool:
    for _, weight in vision_features.outside_decoder(bench.model):
        weight.requires_grad_(False)
    attention = sharing._attention(bench.model)
    found = sharing.difference(bench.model, bench.encoder, pairs, attention)
    return found.log_probability < 1e-5 and found.gradient < 1e-4


def test_what_an_answer_sees_of_pictures_is_what_the_family_s_processor_says(
    families: Families, world: Any, examples: Any
) -> None:
    bench = Bench(families["mllama"](), world, examples)
    pair = bench.pairs[0]
    opened = [[bench.source.open(name) for name in pair.prompt.images]]
    for side, answer in enumerate((pair.row.chosen, pair.row.rejected)):
        whole = f"{pair.prompt.text}{answer}<|end|>"
        said = bench.processor(
            images=opened, text=[whole], add_special_tokens=False, return_tensors="pt"
        )
        batch = bench.encoder.collate([pair])
        length = said["input_ids"].shape[1]
        assert torch.equal(batch["input_ids"][side, :length], said["input_ids"][0])
        ours = batch["cross_attention_mask"][side, :length]
        assert torch.equal(ours, said["cross_attention_mask"][0])


def test_such_a_family_answers_a_batch_as_it_answers_each_prompt_alone(
    families: Families, world: Any, examples: Any
) -> None:
    bench = Bench(families["mllama"](), world, examples)
    prompts = [pair.prompt for pair in bench.pairs]
    tokens = drawing.tokens_of(bench.loaded)

    def drawn(some: Any) -> Any:
        return drawing.answers(bench.model, bench.encoder, some, tokens, 6, greedy=True)

    assert drawn(prompts) == [drawn([one])[0] for one in prompts]
    single = bench.encoder.prompt((Turn("user", prompts_part(bench.pairs[0])),))
    with pytest.raises(WrongInputError, match="with 1, 2 pictures"):
        bench.encoder.collate_prompts([single, prompts[0]])


def prompts_part(pair: Any) -> tuple[Part, ...]:
    """The first picture of a prompt and a word."""
    return (Part("image", media=pair.prompt.images[0]), Part("text", "What?"))


@pytest.mark.slow
def test_llama_vision_is_loaded_and_trains_with_shared_prompts(
    families: Families,
    examples: Any,
    job: Callable[..., JobFolder],
    tmp_path: Path,
) -> None:
    model, processor = families["mllama"]()
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    location = tmp_path / "family"
    model.save_pretrained(location)
    processor.save_pretrained(location)
    given = [one for one in examples.mixed(10, 5) if len(one.pictures) != 2]
    folder = job(model=location, examples=given, epochs=1, vision_cache=True, on_policy_prompts=2)
    dpo.train(folder)
    journal = Journal(folder)
    said = " ".join(journal.notes)
    assert "computed once, for both answers" in said
    assert "The vision tower saw the pictures of" in said
    # those without a picture; the others have one each
    pictures = [one for one in given if one.pictures]
    counts = {split: sum(one.split == split for one in given) for split in ("train", "holdout")}
    left = {split: counts[split] - sum(one.split == split for one in pictures) for split in counts}
    for split, count in left.items():
        assert f"{count} of the {split} pairs left out: {cross_attention.UNLIKE}." in said
    measured = journal.metrics_of("holdout")
    assert (
        measured[max(measured)]["preference_accuracy"]["n"] == counts["holdout"] - left["holdout"]
    )
