"""Whether a run may share prompts between the two answers of a pair, found out before it starts.

Some families run without an error on packed rows and are wrong: state that is carried from token to
token flows from one answer into the other. So a family must be on the list of those that were
tested, its settings must be ones that the mask can say, and a few real pairs of the job go both
ways: log-probabilities and gradients must be the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from training.jobs import shortage
from training.modeling.encoding import MASKS, Batch, EncodedPair, Encoder
from training.runs import blocks
from training.runs.shared_prompts import Attention, SharedPrompts, unwrapped

# `model_type` of the families that tests/training/families compare with two rows
FAMILIES = frozenset(
    {
        "gemma3",
        "glm4v",
        "idefics3",
        "internvl",
        "llama",
        "llava",
        "llava_onevision",
        "mistral",
        "mistral3",
        "mllama",
        "paligemma",
        "qwen2",
        "qwen2_5_vl",
        "qwen2_vl",
        "qwen3",
        "qwen3_vl",
        "smolvlm",
    }
)
# families whose tokens of one picture see each other in both directions
_BOTH_WAYS = frozenset({"gemma3"})
# and those whose whole prompt does, with positions that count from 1
_PROMPT_BOTH_WAYS = frozenset({"paligemma"})
# families whose decoder may be Gemma 2, which has its own attention and adds a mask to the scores
_ADDED = frozenset({"paligemma"})
_KINDS = frozenset({"full_attention", "sliding_attention"})

# pairs that go both ways at the start
_CHECKED = 3
# values of the gradient that are compared, at least where so many train
_WATCHED = 20_000_000
# largest difference per token (nats), and of the gradient as a share of its length
_TOLERANCE = {torch.float32: (1e-4, 1e-3)}
_COARSE = (0.25, 0.1)


@dataclass(frozen=True)
class Sharing:
    """The way that a run goes. `reason` says why prompts are not shared; empty when they are.

    `whole_mask` says why a mask that could go in blocks goes whole; empty where nothing does.
    """

    attention: Attention | None
    reason: str = ""
    whole_mask: str = ""

    @property
    def note(self) -> str:
        """What the run's page says."""
        if self.attention is None:
            return f"Each answer is computed with its own copy of the prompt: {self.reason}."
        said = "Prompt and pictures of a pair are computed once, for both answers"
        if self.attention.in_blocks:
            return f"{said}; attention leaves out what no token sees (FlexAttention)."
        if self.whole_mask:
            return f"{said}. FlexAttention is not used: {self.whole_mask}."
        return f"{said}."


@dataclass(frozen=True)
class Difference:
    """How far two ways are apart: nats at the worst token, and the share of the gradient."""

    log_probability: float
    gradient: float


def choose(model: Any, encoder: Encoder, pairs: Sequence[EncodedPair]) -> Sharing:
    """Share where it is known to be right, and shown to be right on these pairs."""
    inner = unwrapped(model)
    reason = _refusal(inner, max(pair.length for pair in pairs))
    if reason:
        return Sharing(None, reason)
    attention, refused = _attention(inner), ""
    if blocks.suit(inner) and not attention.added:
        in_blocks = replace(attention, in_blocks=True)
        refused = _refused_blocks(model, encoder, pairs, in_blocks)
        if not refused:
            return Sharing(in_blocks)
    reason = disagreement(model, encoder, pairs, attention)
    return Sharing(None, reason) if reason else Sharing(attention, whole_mask=refused)


def _refused_blocks(
    model: Any, encoder: Encoder, pairs: Sequence[EncodedPair], attention: Attention
) -> str:
    """Why the mask cannot go in blocks; empty when it can. The kernel is compiled on the way, and
    what compilers raise has no class in common."""
    try:
        return disagreement(model, encoder, pairs, attention)
    except Exception as error:
        if shortage.is_out_of_memory(error):
            raise
        text = str(error).strip()
        return f"{type(error).__name__}: {text.splitlines()[0][:200]}" if text else repr(error)


def disagreement(
    model: Any, encoder: Encoder, pairs: Sequence[EncodedPair], attention: Attention
) -> str:
    """How a few of these pairs differ from two rows by more than rounding; empty if they do not."""
    worst, steep = _TOLERANCE.get(unwrapped(model).dtype, _COARSE)
    for pair in _samples(pairs):
        found = difference(model, encoder, [pair], attention)
        if not (found.log_probability <= worst and found.gradient <= steep):
            return (
                f"on a pair of this dataset both ways differ by {found.log_probability:.2g} nats "
                f"in a token (rounding explains {worst:g}) and {found.gradient:.2g} of the "
                f"gradient ({steep:g})"
            )
    return ""


def difference(
    model: Any, encoder: Encoder, pairs: Sequence[EncodedPair], attention: Attention
) -> Difference:
    """Run pairs with two rows and with one, forward and backward. No gradient is left behind."""
    mode = model.training
    model.eval()
    weights = _watched(model)
    two, steps_two = _run(model, encoder.collate(pairs), weights)
    shared = SharedPrompts(model, attention)
    one, steps_one = _run(shared, encoder.collate(pairs, pictures_once=True), weights)
    model.train(mode)
    apart = torch.linalg.vector_norm(steps_two - steps_one) / torch.linalg.vector_norm(steps_two)
    return Difference(float((two - one).abs().max()), float(apart) if len(steps_two) else 0.0)


def _refusal(inner: Any, longest: int) -> str:
    """Why this model cannot share prompts; empty when nothing is known against it."""
    config, family = inner.config.get_text_config(), inner.config.model_type
    if family not in FAMILIES:
        return f"the family {family} was never tested with shared prompts"
    ways = {config._attn_implementation, inner.config._attn_implementation}
    # the last is ours: SDPA for masks as we give them
    ways.discard(blocks.NAME)
    if not ways <= {"sdpa"} and not (family in _ADDED and ways <= {"eager", "sdpa"}):
        return f"the attention {', '.join(sorted(map(str, ways)))} does not take its mask"
    unknown = sorted(set(getattr(config, "layer_types", None) or ()) - _KINDS)
    if unknown:
        return f"layers of the kind {', '.join(unknown)} carry state from answer to answer"
    attention = _attention(inner)
    mixed = len(attention.kinds) > 1 and not attention.pictures_both_ways
    if mixed and attention.window is not None and longest >= attention.window:
        return (
            f"its sliding window is {attention.window:,} tokens and the longest pair has "
            f"{longest:,}"
        )
    return ""


def _attention(inner: Any) -> Attention:
    config = inner.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    if not getattr(config, "use_sliding_window", True):
        window = None
    default = ["sliding_attention" if window else "full_attention"]
    kinds = frozenset(getattr(config, "layer_types", None) or default)
    both_ways = inner.config.model_type in _BOTH_WAYS
    window = window if "sliding_attention" in kinds else None
    if inner.config.model_type in _PROMPT_BOTH_WAYS:
        added = config._attn_implementation == "eager"
        return Attention(kinds, window, both_ways, prompt_both_ways=True, added=added)
    return Attention(kinds, window, both_ways)


def _samples(pairs: Sequence[EncodedPair]) -> list[EncodedPair]:
    """The longest pair, the one with most pictures and the one with fewest."""
    by_pictures = sorted(pairs, key=lambda pair: (len(pair.prompt.shown), pair.row.pair_id))
    longest = max(pairs, key=lambda pair: (pair.length, pair.row.pair_id))
    chosen = {one.row.pair_id: one for one in (longest, by_pictures[-1], by_pictures[0])}
    return list(chosen.values())[:_CHECKED]


def _watched(model: Any) -> list[torch.Tensor]:
    """The first weights that train: what reaches them went through every layer above."""
    found: list[torch.Tensor] = []
    for one in model.parameters():
        if one.requires_grad and sum(value.numel() for value in found) < _WATCHED:
            found.append(one)
    return found


def _run(
    model: Any, batch: Batch, weights: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities per token, and the gradient of the difference of both answers' sums."""
    left_out = {"completion_mask"} if isinstance(model, SharedPrompts) else MASKS
    inputs = {name: value for name, value in batch.items() if name not in left_out}
    if weights:
        inputs = {name: value.to(weights[0].device) for name, value in inputs.items()}
    mask = batch["completion_mask"].to(inputs["input_ids"].device)
    labels = inputs["input_ids"].masked_fill(mask == 0, -100)
    with torch.enable_grad():
        said = model(**inputs, use_cache=False, labels=labels, fused_lm_head=True)
        chosen, rejected = said.log_probs.sum(dim=1).chunk(2)
        steps = torch.autograd.grad((chosen - rejected).sum(), weights, allow_unused=True)
    flat = [step.float().flatten() for step in steps if step is not None]
    return said.log_probs.detach(), torch.cat(flat) if flat else torch.zeros(0)
