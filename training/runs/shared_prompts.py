"""A model that runs the prompt of a pair once, for both answers.

`SharedPrompts` stands where TRL's loss expects a model: it takes the batch with two rows per pair,
runs one row per pair (see `branches`) and answers in the shape of the two rows. Pictures are given
once per pair.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from transformers.utils import ModelOutput

from training.modeling.vision_features import handed_over
from training.runs import blocks
from training.runs.branches import Layout, layout

# entries of a batch with one value per token, which follow their tokens
_PER_TOKEN = ("token_type_ids", "mm_token_type_ids", "cross_attention_mask")
# what TRL's fused head returns per token
_SCORES = ("log_probs", "entropy", "log_sum_sq_probs", "mean_logits", "is_top1")
_FULL, _SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True)
class Attention:
    """How a family's decoder attends.

    Attributes:
        kinds: the kinds of its layers, `full_attention` and `sliding_attention`.
        window: positions that sliding layers look back; None without such layers.
        pictures_both_ways: whether the tokens of a picture see each other in both directions.
        prompt_both_ways: whether all tokens of the prompt do; positions then count from 1.
        added: whether the mask is added to the scores, as numbers.
        in_blocks: whether the mask goes to a kernel that leaves out blocks nobody sees.
    """

    kinds: frozenset[str]
    window: int | None
    pictures_both_ways: bool
    prompt_both_ways: bool = False
    added: bool = False
    in_blocks: bool = False


@dataclass(frozen=True)
class Packed:
    """A batch with one row per pair, ready for the model, and the way back to two rows."""

    layout: Layout
    inputs: dict[str, Any]


class SharedPrompts:
    """See the module. `model` may be wrapped (PEFT, data parallel)."""

    def __init__(self, model: Any, attention: Attention) -> None:
        self._model = model
        self._attention = attention

    def __call__(
        self,
        *,
        input_ids: torch.Tensor,
        labels: torch.Tensor,
        attention_mask: torch.Tensor,
        fused_lm_head: bool,
        use_cache: bool,
        **others: Any,
    ) -> ModelOutput:
        """TRL's scores for every token of both rows of every pair. The arguments are TRL's."""
        batch = {"input_ids": input_ids, "attention_mask": attention_mask, **others}
        packed = pack(unwrapped(self._model), self._attention, batch, (labels != -100).long())
        said = self._model(
            **packed.inputs,
            shift_labels=packed.layout.targets(input_ids),
            fused_lm_head=fused_lm_head,
            use_cache=use_cache,
        )
        for name in _SCORES:
            if (scores := getattr(said, name)) is not None:
                setattr(said, name, packed.layout.unpack(scores))
        return said


def unwrapped(model: Any) -> Any:
    """The VLM inside of wrappers for adapters and for several devices."""
    model = getattr(model, "module", model)
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def pack(
    inner: Any,
    attention: Attention,
    batch: dict[str, Any],
    completion_mask: torch.Tensor,
) -> Packed:
    """One row per pair from a batch with two, whose pictures are given once per pair: as pixels,
    or as what the vision tower made of them. Scored is what `completion_mask` has; an entry
    `answer_mask` says where answers stand when that is more."""
    answers, multiple = batch.pop("answer_mask", None), 1
    if attention.in_blocks:
        # here, as the reference may be a model of its own
        blocks.enable(inner)
        multiple = blocks.SIZE
    learned = None if answers is None else completion_mask
    made = layout(completion_mask if answers is None else answers, learned, multiple)
    per_token = {name: made.pack(batch[name]) for name in _PER_TOKEN if name in batch}
    kept = ("input_ids", "attention_mask", *_PER_TOKEN)
    pictures = {name: value for name, value in batch.items() if name not in kept}
    return Packed(
        made,
        {
            "input_ids": made.pack(batch["input_ids"]),
            "attention_mask": _mask(attention, made, per_token.get("token_type_ids"), inner.dtype),
            "position_ids": made.positions(_rotary(inner, batch, pictures))
            + int(attention.prompt_both_ways),
            # a prompt that sees itself in both directions is said by the mask alone
            **({} if attention.prompt_both_ways else per_token),
            **handed_over(pictures),
        },
    )


def _mask(
    attention: Attention, made: Layout, types: torch.Tensor | None, dtype: torch.dtype
) -> Any:
    groups = None
    if attention.pictures_both_ways and types is not None:
        groups = _picture_groups(types)
    if attention.prompt_both_ways:
        groups = made.prompt_groups()
    visible = partial(blocks.mask, made) if attention.in_blocks else made.visible
    masks: dict[str, Any] = {
        kind: visible(attention.window if kind == _SLIDING else None, groups)
        for kind in attention.kinds
    }
    if attention.pictures_both_ways:
        return masks
    # others take one mask: it is the same for all kinds below the window
    seen = next(iter(masks.values()))
    if not attention.added:
        return seen
    return torch.zeros_like(seen, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)


def _picture_groups(types: torch.Tensor) -> torch.Tensor:
    """The number of the picture that a token belongs to, -1 for text (Gemma 3's own rule)."""
    inside = types == 1
    before = torch.nn.functional.pad(inside, (1, 0), value=False)[:, :-1]
    numbers = torch.cumsum((inside & ~before).int(), dim=1) - 1
    return numbers.masked_fill(~inside, -1)


def _rotary(inner: Any, batch: dict[str, Any], pictures: dict[str, Any]) -> torch.Tensor | None:
    """Positions in three dimensions where the family has them; None where one dimension does."""
    backbone = getattr(inner, "model", inner)
    if not pictures or not hasattr(backbone, "get_rope_index"):
        return None
    pairs = batch["input_ids"].shape[0] // 2
    known = {**{name: batch[name][:pairs] for name in ("input_ids", "attention_mask")}, **pictures}
    known |= {name: batch[name][:pairs] for name in _PER_TOKEN if name in batch}
    wanted = inspect.signature(backbone.get_rope_index).parameters
    positions, _ = backbone.get_rope_index(**{n: v for n, v in known.items() if n in wanted})
    found: torch.Tensor = positions
    return found
