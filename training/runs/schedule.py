"""When a run evaluates, when it stops early, and which of its checkpoints is published.

Early stop: the run ends when the lower 95% bound of the KL per token is above the threshold in two
evaluations in a row. Published is then the evaluated checkpoint with the lowest validation loss
among those whose KL is not above the threshold. Without early stop it is the last one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

EVALUATIONS_PER_EPOCH = 4


@dataclass(frozen=True)
class Evaluated:
    """What one evaluation during training says about the rules of this module.

    Attributes:
        step: optimizer steps done.
        validation_loss: DPO loss on the held-out pairs, or None without held-out pairs.
        kl: KL(policy || reference) in nats per response token, or None.
        kl_low: its lower 95% bound, or None.
    """

    step: int
    validation_loss: float | None
    kl: float | None
    kl_low: float | None


@dataclass(frozen=True)
class Choice:
    """The step whose checkpoint is published, and a sentence when it is not the obvious one."""

    step: int
    note: str = ""


def steps_per_epoch(pairs: int, batch_size: int, accumulation: int) -> int:
    """Optimizer steps of one epoch; an incomplete last batch counts."""
    return max(1, math.ceil(math.ceil(pairs / batch_size) / accumulation))


def interval(epoch_steps: int) -> int:
    """Optimizer steps between evaluations: at least four evaluations in an epoch of four steps."""
    return max(1, epoch_steps // EVALUATIONS_PER_EPOCH)


def has_drifted(history: Sequence[Evaluated], threshold: float) -> bool:
    """Whether the last two evaluations are both above the threshold by their lower bound."""
    last = [one.kl_low for one in history[-2:]]
    return len(last) == 2 and all(low is not None and low > threshold for low in last)


def best(history: Sequence[Evaluated], threshold: float, early_stop: bool) -> Choice:
    """Which evaluated step to publish. `history` holds step 0 (the start) and at least one more."""
    trained = [one for one in history if one.step > 0]
    if not early_stop:
        return Choice(trained[-1].step)
    below = [one for one in trained if one.kl is not None and one.kl <= threshold]
    scored = [one for one in below if one.validation_loss is not None]
    if not scored:
        return Choice(trained[-1].step, _no_candidate(trained[-1], threshold))
    chosen = min(scored, key=lambda one: (one.validation_loss, one.step))
    return Choice(chosen.step, no_gain(chosen, history[0]))


def _no_candidate(last: Evaluated, threshold: float) -> str:
    if last.kl is None:
        return "There are no held-out pairs to compare checkpoints with: the last one is published."
    return (
        f"No checkpoint has a KL of at most {threshold:g} nats per token: the last one "
        f"(step {last.step}, KL {last.kl:.3g}) is published."
    )


def no_gain(chosen: Evaluated, start: Evaluated) -> str:
    """A sentence when the best checkpoint is no better than the start; empty otherwise."""
    if start.step > 0 or start.validation_loss is None or chosen.validation_loss is None:
        return ""
    if chosen.validation_loss < start.validation_loss:
        return ""
    return (
        f"No checkpoint has a lower validation loss than the start ({start.validation_loss:.4f}); "
        f"the best is step {chosen.step} with {chosen.validation_loss:.4f}."
    )
