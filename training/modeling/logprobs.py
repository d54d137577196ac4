"""Log-probabilities of answers and the exact KL between two models, from the models' own logits.

A sum runs over the answer's tokens as TRL counts them: everything that the chat template writes
after the prompt, the end of turn included. Logits are computed at answer positions only, and their
softmax in float32.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.modeling.encoding import Batch, EncodedPair
from training.runs.shared_prompts import Attention, pack, unwrapped

Array = NDArray[np.float64]

# pairs in one evaluation batch, and tokens in it with padding (both sequences of every pair)
MOST_PAIRS = 32
MOST_TOKENS = 16_384
# answers with sums near 100 nats differ by 1e-5 in float32 and by some tenths in bfloat16
_TOLERANCE = {torch.float32: (1e-3, 1e-4)}
_COARSE = (0.5, 0.02)
# logits in one slice of a softmax: 64 MiB of float32
_SLICE = 1 << 24


@dataclass(frozen=True)
class Sums:
    """Summed log-probabilities (nats) of the two answers of every pair, in the order given."""

    chosen: Array
    rejected: Array


@dataclass(frozen=True)
class Answers:
    """What a model says at every answer token of a batch.

    Attributes:
        logits: positions x vocabulary.
        targets: the token that stands there.
        rows: the sequence that each position belongs to.
        sequences: number of sequences, twice the pairs.
    """

    logits: torch.Tensor
    targets: torch.Tensor
    rows: NDArray[np.int64]
    sequences: int


@dataclass(frozen=True)
class Divergence:
    """KL(policy || reference) of every pair: nats summed over both answers, and their tokens."""

    nats: Array
    tokens: Array


def batches_of(pairs: Sequence[EncodedPair]) -> list[list[int]]:
    """Positions of pairs, in batches of similar length that fit in memory."""
    order = sorted(range(len(pairs)), key=lambda at: (pairs[at].length, pairs[at].row.pair_id))
    batches: list[list[int]] = []
    for position in order:
        width = pairs[position].length
        full = not batches or len(batches[-1]) >= MOST_PAIRS
        if full or (len(batches[-1]) + 1) * 2 * width > MOST_TOKENS:
            batches.append([])
        batches[-1].append(position)
    return batches


@torch.no_grad()
def answers(model: Any, batch: Batch, attention: Attention | None = None) -> Answers:
    """Run a TRL batch (first half chosen, second half rejected) and keep its answers' logits.

    With `attention` a pair is one row with one prompt; the batch then has its pictures once.
    """
    device = next(model.parameters()).device
    inputs = {name: value.to(device) for name, value in batch.items() if name != "completion_mask"}
    if attention is not None:
        return _shared(model, inputs, batch["completion_mask"].to(device), attention)
    inputs.pop("answer_mask", None)
    # the token at t is predicted at t - 1
    mask = batch["completion_mask"][:, 1:].bool()
    first = int(mask.any(dim=0).nonzero()[0])
    logits = _last_logits(model, inputs, mask.shape[1] + 1 - first)[:, :-1]
    mask = mask[:, first:].to(device)
    rows: NDArray[np.int64] = mask.nonzero()[:, 0].cpu().numpy()
    targets = inputs["input_ids"][:, first + 1 :][mask]
    return Answers(logits[mask], targets, rows, batch["input_ids"].shape[0])


@torch.no_grad()
def sums(given: Answers) -> Sums:
    """The log-probability of every answer, summed over its tokens in float64."""
    totals = _totals(given, _picked(given).double())
    half = given.sequences // 2
    return Sums(totals[:half], totals[half:])


@torch.no_grad()
def by_token(given: Answers) -> list[NDArray[np.float32]]:
    """The log-probability (nats) of every answer token in order, one array per sequence."""
    values = _picked(given).numpy()
    order = np.argsort(given.rows, kind="stable")
    counts = np.bincount(given.rows, minlength=given.sequences)
    return np.split(values[order], np.cumsum(counts)[:-1])


def tolerance(dtype: torch.dtype, sums: Array) -> float:
    """Nats by which two right ways to compute these sums may differ in this number format."""
    absolute, relative = _TOLERANCE.get(dtype, _COARSE)
    return absolute + relative * float(np.max(np.abs(sums), initial=0.0))


@torch.no_grad()
def divergence(policy: Answers, reference: Answers) -> Divergence:
    """Exact KL(policy || reference) over the whole vocabulary at every answer token."""
    found = torch.zeros(len(policy.targets), dtype=torch.float64)
    for start, end in _slices(policy.logits):
        ours = torch.log_softmax(policy.logits[start:end].float(), dim=-1)
        theirs = torch.log_softmax(reference.logits[start:end].float(), dim=-1)
        gaps = ours.exp() * (ours - theirs)
        # rounding can leave -1e-8 where the two are equal
        found[start:end] = gaps.double().sum(dim=-1).clamp(min=0).cpu()
    nats, tokens = _totals(policy, found), _totals(policy, torch.ones_like(found))
    half = policy.sequences // 2
    return Divergence(nats[:half] + nats[half:], tokens[:half] + tokens[half:])


def _picked(given: Answers) -> torch.Tensor:
    """The log-probability of the token that stands at every answer position, as float32."""
    tokens = torch.zeros(len(given.targets))
    for start, end in _slices(given.logits):
        chunk = torch.log_softmax(given.logits[start:end].float(), dim=-1)
        picked = chunk.gather(1, given.targets[start:end].unsqueeze(1)).squeeze(1)
        tokens[start:end] = picked.cpu()
    return tokens


def _totals(given: Answers, values: torch.Tensor) -> Array:
    """Values per answer token summed for every sequence."""
    found = np.bincount(given.rows, weights=values.numpy(), minlength=given.sequences)
    return found.astype(np.float64)


def _shared(model: Any, inputs: Batch, mask: torch.Tensor, attention: Attention) -> Answers:
    packed = pack(unwrapped(model), attention, inputs, mask)
    scored = packed.layout.scored
    first = int(scored.any(dim=0).nonzero()[0])
    logits = _last_logits(model, packed.inputs, scored.shape[1] - first)
    scored = scored[:, first:]
    rows: NDArray[np.int64] = packed.layout.rows[:, first:][scored].cpu().numpy()
    targets = packed.layout.targets(inputs["input_ids"])[:, first:][scored]
    return Answers(logits[scored], targets, rows, mask.shape[0])


def _last_logits(model: Any, inputs: dict[str, Any], count: int) -> torch.Tensor:
    """Logits at the last positions of every row: rows x count x vocabulary."""
    extra = {"logits_to_keep": count} if _keeps_few(model) else {}
    logits: torch.Tensor = model(**inputs, use_cache=False, **extra).logits[:, -count:]
    return logits


def _keeps_few(model: Any) -> bool:
    return "logits_to_keep" in inspect.signature(type(unwrapped(model)).forward).parameters


def _slices(logits: torch.Tensor) -> list[tuple[int, int]]:
    rows = max(1, _SLICE // max(1, logits.shape[1]))
    return [(start, min(start + rows, len(logits))) for start in range(0, len(logits), rows)]
