"""The mask in blocks is the mask: what a kernel reads from it, and what a model says with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention.flex_attention import BlockMask, flex_attention
from transformers.integrations import flex_attention as kernel
from trl.trainer.utils import add_fused_lm_head

from training.modeling import logprobs, rows
from training.modeling.encoding import Encoder
from training.modeling.models import Loaded
from training.modeling.pictures import PictureSource
from training.runs import blocks, sharing
from training.runs.branches import PROMPT, Layout, layout

Families = Mapping[str, Callable[..., tuple[Any, Any]]]

# tokens of a prompt and of both answers
PAIR = st.tuples(st.integers(2, 300), st.integers(1, 200), st.integers(1, 200))


def layout_of(pairs: list[tuple[int, int, int]], multiple: int) -> Layout:
    sides = [(prompt, chosen) for prompt, chosen, _ in pairs]
    sides += [(prompt, rejected) for prompt, _, rejected in pairs]
    answers = torch.zeros(len(sides), max(map(sum, sides)), dtype=torch.long)
    for row, (prompt, answer) in enumerate(sides):
        answers[row, prompt : prompt + answer] = 1
    return layout(answers, multiple=multiple)


def as_read(found: BlockMask) -> torch.Tensor:
    """What FlexAttention attends to: whole blocks of one list, and of the other what its rule
    says. Nothing else."""
    pairs, _, length, _ = found.shape
    size = found.BLOCK_SIZE[0]
    seen = torch.zeros(pairs, length, length, dtype=torch.bool)
    for whole, counts, places in (
        (False, found.kv_num_blocks, found.kv_indices),
        (True, found.full_kv_num_blocks, found.full_kv_indices),
    ):
        for pair, line in np.ndindex(pairs, length // size):
            for column in places[pair, 0, line, : counts[pair, 0, line]].tolist():
                asks = torch.arange(line * size, (line + 1) * size)
                keys = torch.arange(column * size, (column + 1) * size)
                at = (torch.tensor(pair), torch.tensor(0), asks[:, None], keys[None, :])
                seen[pair, asks[:, None], keys] = True if whole else found.mask_mod(*at)
    return seen


@settings(max_examples=20, deadline=None)
@given(
    pairs=st.lists(PAIR, min_size=1, max_size=3),
    window=st.none() | st.integers(1, 400),
    both_ways=st.booleans(),
)
def test_blocks_are_the_mask_at_every_position(
    pairs: list[tuple[int, int, int]], window: int | None, both_ways: bool
) -> None:
    made, exact = layout_of(pairs, blocks.SIZE), layout_of(pairs, 1)
    assert made.branches.shape[1] % blocks.SIZE == 0
    # as if the first thirty tokens of every prompt were a picture
    picture = (made.branches == PROMPT) & (made.columns < 30)
    groups = torch.where(picture, 0, -1) if both_ways else None
    found, said = as_read(blocks.mask(made, window, groups)), made.visible(window, groups)[:, 0]
    assert torch.equal(found, said)
    # and the longer rows say of their first tokens what rows of their own length say
    length = exact.branches.shape[1]
    short = None if groups is None else groups[:, :length]
    assert torch.equal(found[:, :length, :length], exact.visible(window, short)[:, 0])


def encoder_of(made: tuple[Any, Any], world: Any) -> Encoder:
    model, processor = made
    tokenizer = getattr(processor, "tokenizer", processor)
    loaded = Loaded(model.eval(), processor, tokenizer, processor is not tokenizer)
    return Encoder(loaded, PictureSource(world.store.url, None))


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same arithmetic without the compiler, which takes minutes and is for a GPU."""

    def attend(*given: Any, training: bool = False, **named: Any) -> Any:
        return flex_attention(*given, **named)

    monkeypatch.setattr(kernel, "compile_friendly_flex_attention", attend)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("gemma3", {}),
        ("llava", {}),
        ("qwen3_vl", {}),
        ("text_only", {"family": "mistral", "sliding_window": 12}),
    ],
)
def test_a_model_says_the_same_with_blocks(
    name: str, more: dict[str, Any], families: Families, world: Any, examples: Any
) -> None:
    made = families[name](**more)
    model, encoder = made[0], encoder_of(made, world)
    pairs = encoder.encode(rows.read(world.write(examples.mixed(6, 0)))).pairs
    batch = encoder.collate(pairs, pictures_once=True)
    whole = sharing._attention(model)
    said = logprobs.by_token(logprobs.answers(model, dict(batch), whole))
    in_blocks = replace(whole, in_blocks=True)
    found = logprobs.by_token(logprobs.answers(model, dict(batch), in_blocks))
    assert model.config.get_text_config()._attn_implementation == blocks.NAME
    for ours, theirs in zip(found, said, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    # a mask that is no block mask goes on as before
    again = logprobs.by_token(logprobs.answers(model, dict(batch), whole))
    assert all(np.array_equal(one, other) for one, other in zip(again, said, strict=True))


@pytest.mark.usefixtures("uncompiled")
def test_where_the_kernel_fails_the_mask_goes_whole_and_the_run_says_why(
    families: Families, world: Any, examples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = families["llava"]()
    made[0].generation_config.eos_token_id = made[1].tokenizer.eos_token_id
    add_fused_lm_head(made[0])
    encoder = encoder_of(made, world)
    pairs = encoder.encode(rows.read(world.write(examples.mixed(3, 0)))).pairs
    assert not blocks.suit(made[0])
    monkeypatch.setattr(blocks, "suit", lambda _: True)
    # FlexAttention has no backward on a CPU
    chosen = sharing.choose(made[0], encoder, pairs)
    assert chosen.attention is not None
    assert not chosen.attention.in_blocks
    assert "once, for both answers. FlexAttention is not used: NotImplementedError" in chosen.note


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["gemma3", "llava", "qwen3_vl"])
def test_on_a_gpu_blocks_are_chosen_and_learn_the_same(
    name: str, families: Families, world: Any, examples: Any
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    made = families[name]()
    made[0].generation_config.eos_token_id = made[1].tokenizer.eos_token_id
    add_fused_lm_head(made[0])
    made[0].cuda()
    encoder = encoder_of(made, world)
    pairs = encoder.encode(rows.read(world.write(examples.mixed(6, 0)))).pairs
    chosen = sharing.choose(made[0], encoder, pairs)
    assert chosen.note.endswith("(FlexAttention).")
    found = sharing.difference(made[0], encoder, pairs, chosen.attention)
    assert found.log_probability < 1e-4
    assert found.gradient < 1e-3
