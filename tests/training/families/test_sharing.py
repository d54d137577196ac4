"""One row per pair says and learns what two rows do, in every family that may share prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from trl.trainer.utils import add_fused_lm_head

from training.jobs.folder import JobFolder
from training.jobs.journal import Journal
from training.modeling import rows
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.models import Loaded
from training.modeling.pictures import PictureSource
from training.runs import dpo, sharing
from training.runs.sharing import Sharing

Families = Mapping[str, Callable[..., tuple[Any, Any]]]
# Llama 3.2 Vision does not mix numbers of pictures: test_other_families
SEEING = sorted(sharing.FAMILIES - {"llama", "mistral", "mllama", "paligemma", "qwen2", "qwen3"})


# GLM's own processor hands numpy a tensor in a way that numpy will drop
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class Bench:
    """A model of a family with TRL's head, and encoded pairs with no, one and two pictures."""

    def __init__(self, made: tuple[Any, Any], world: Any, examples: Any) -> None:
        self.model, processor = made
        tokenizer = getattr(processor, "tokenizer", processor)
        self.model.generation_config.eos_token_id = tokenizer.eos_token_id
        add_fused_lm_head(self.model)
        loaded = Loaded(self.model.eval(), processor, tokenizer, processor is not tokenizer)
        self.encoder = Encoder(loaded, PictureSource(world.store.url, None))
        found = rows.read(world.write(examples.mixed(9, 0)))
        self.pairs: tuple[EncodedPair, ...] = self.encoder.encode(found).pairs

    def difference(self) -> sharing.Difference:
        attention = sharing._attention(self.model)
        return sharing.difference(self.model, self.encoder, self.pairs, attention)


@pytest.mark.parametrize("name", SEEING)
def test_a_family_says_and_learns_the_same_with_a_shared_prompt(
    name: str, families: Families, world: Any, examples: Any
) -> None:
    bench = Bench(families[name](), world, examples)
    assert len(bench.pairs) == 9
    assert len({len(pair.prompt.images) for pair in bench.pairs}) == 3
    found = bench.difference()
    assert found.log_probability < 1e-5
    assert found.gradient < 1e-4
    assert sharing.choose(bench.model, bench.encoder, bench.pairs).reason == ""


@pytest.mark.parametrize(
    ("family", "more"),
    [
        ("llama", {}),
        ("qwen2", {}),
        ("qwen3", {}),
        ("mistral", {"sliding_window": None}),
        ("mistral", {"sliding_window": 12}),
    ],
)
def test_a_decoder_without_eyes_does_so_too(
    family: str, more: dict[str, Any], families: Families, world: Any, examples: Any
) -> None:
    bench = Bench(families["text_only"](family=family, **more), world, examples)
    assert len(bench.pairs) == 3
    found = bench.difference()
    assert found.log_probability < 1e-5
    assert found.gradient < 1e-4
    assert sharing.choose(bench.model, bench.encoder, bench.pairs).attention is not None


@pytest.mark.parametrize(
    ("name", "more", "family"),
    [
        ("qwen3_5", {}, "qwen3_5_text"),
        ("text_only", {"family": "gemma4_text", "sliding_window": 24}, "gemma4_text"),
    ],
)
def test_a_family_that_nobody_has_tested_keeps_its_two_rows(
    name: str, more: dict[str, Any], family: str, families: Families, world: Any, examples: Any
) -> None:
    bench = Bench(families[name](**more), world, examples)
    chosen = sharing.choose(bench.model, bench.encoder, bench.pairs)
    assert chosen.attention is None
    assert f"{family} was never tested" in chosen.note


def test_a_mask_without_the_pictures_of_gemma_3_is_noticed_by_the_check(
    families: Families, world: Any, examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(families["gemma3"](window=4096), world, examples)
    monkeypatch.setattr(sharing, "_BOTH_WAYS", frozenset())
    assert "differ by" in sharing.choose(bench.model, bench.encoder, bench.pairs).reason


def test_state_that_flows_through_both_answers_is_noticed_by_its_kind_of_layer_and_by_the_check(
    families: Families, world: Any, examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "FAMILIES", frozenset({"qwen3_5_text"}))
    bench = Bench(families["qwen3_5"](), world, examples)
    assert "linear_attention" in sharing.choose(bench.model, bench.encoder, bench.pairs).reason
    monkeypatch.setattr(sharing, "_KINDS", sharing._KINDS | {"linear_attention"})
    assert "differ by" in sharing.choose(bench.model, bench.encoder, bench.pairs).reason


def test_windows_of_some_layers_are_refused_only_when_a_pair_is_longer(
    families: Families, world: Any, examples: Any
) -> None:
    layers = {"use_sliding_window": True, "max_window_layers": 1}
    make = partial(families["text_only"], family="qwen2", **layers)
    wide = Bench(make(sliding_window=4096), world, examples)
    assert sharing.choose(wide.model, wide.encoder, wide.pairs).reason == ""
    narrow = Bench(make(sliding_window=12), world, examples)
    reason = sharing.choose(narrow.model, narrow.encoder, narrow.pairs).reason
    assert "sliding window is 12 tokens" in reason


def test_an_attention_that_takes_no_mask_is_refused(
    families: Families, world: Any, examples: Any
) -> None:
    bench = Bench(families["llava"](), world, examples)
    bench.model.set_attn_implementation("eager")
    assert "eager" in sharing.choose(bench.model, bench.encoder, bench.pairs).reason


def test_a_run_with_shared_prompts_has_the_losses_of_a_run_without(
    job: Callable[..., JobFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = job("shared")
    dpo.train(shared)
    monkeypatch.setattr(sharing, "choose", lambda *_: Sharing(None, "told so"))
    apart = job("apart")
    dpo.train(apart)
    ours, theirs = losses(shared), losses(apart)
    assert len(ours) == len(theirs) > 4
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert "computed once, for both answers" in notes(shared)
    assert "its own copy of the prompt: told so" in notes(apart)


def losses(folder: JobFolder) -> list[float]:
    measured = Journal(folder).metrics_of("train").values()
    return [values["loss"] for values in measured]


def notes(folder: JobFolder) -> str:
    return folder.events_file.read_text(encoding="utf-8")
