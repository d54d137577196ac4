"""A step on the longest pairs, tried before the run: does it fit, and what does it need?

A pair that is longer than all others decides whether a run ends for lack of memory, maybe hours
after its start.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from training.modeling import logprobs
from training.modeling.encoding import EncodedPair
from training.runs.assembly import Assembly

_CLEAR_PEAK = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Step:
    """Forward and backward of some pairs.

    Attributes:
        pairs: how many.
        tokens: that went through the decoder, padding included.
        seconds, forward_seconds: of the whole step, and of a forward pass alone.
        peak: bytes of the device at the fullest moment, weights included; None where this machine
            does not tell.
    """

    pairs: int
    tokens: int
    seconds: float
    forward_seconds: float
    peak: int | None


def longest(assembly: Assembly, count: int) -> Step:
    """Try the longest pairs in one batch. Nothing of the policy or of the trainer changes.

    Raises what torch raises when the memory does not hold them.
    """
    pairs = assembly.pairs
    order = sorted(range(len(pairs)), key=lambda at: (-pairs[at].length, pairs[at].row.pair_id))
    positions = order[:count]
    made, attention = assembly.made, assembly.sharing.attention
    batch = assembly.collator.collate(positions, pictures_once=attention is not None)
    nothing = torch.zeros(len(positions))
    given = batch | {"ref_chosen_logps": nothing, "ref_rejected_logps": nothing}
    given = {name: value.to(made.args.device) for name, value in given.items()}
    was_training, counted = made.model.training, made._total_train_tokens
    made.model.train()
    _forget_peak()
    started = time.perf_counter()
    try:
        with made.accelerator.autocast():
            loss = made.compute_loss(made.model, given)
        loss.backward()
        _wait()
        seconds, peak = time.perf_counter() - started, _peak()
    finally:
        made.model.zero_grad(set_to_none=True)
        made.model.train(was_training)
        made._metrics["train"].clear()
        made._total_train_tokens = counted
    started = time.perf_counter()
    logprobs.sums(logprobs.answers(made.model, batch, attention))
    _wait()
    widest = max(tokens_of(pairs[at], attention is not None) for at in positions)
    return Step(
        len(positions), widest * len(positions), seconds, time.perf_counter() - started, peak
    )


def tokens_of(pair: EncodedPair, shared: bool) -> int:
    """Tokens of a pair in the decoder: one row for both answers, or one for each."""
    prompt, answers = len(pair.prompt.ids), len(pair.chosen) + len(pair.rejected)
    return prompt - 1 + answers if shared else 2 * prompt + answers


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _forget_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        return
    with suppress(OSError):
        # resets the peak of this process's resident memory (proc(5))
        _CLEAR_PEAK.write_text("5", encoding="ascii")


def _peak() -> int | None:
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    (found,) = [line for line in lines if line.startswith("VmHWM:")] or [""]
    return int(found.split()[1]) * 1024 if found else None
