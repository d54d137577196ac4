"""When a run ends before its last step: drift, over-fitting or a plateau, each by an interval.

Noise must not end a run, so nothing here looks at a number alone. Evaluations are compared pair by
pair with the *leader*: the last evaluation whose held-out loss was below that of the leader before
it by its whole 95% interval; the first one leads at the start.

- Drift: the lower bound of the KL per token is above `kl_threshold` in two evaluations in a row.
- Over-fitting: in `overfit_evaluations` in a row the held-out loss is above the leader's by its
  whole interval, or the preference accuracy below it, while the training loss has fallen since.
- Plateau: the leader is `plateau_evaluations` evaluations old.

Stopping when the generalization error rises in successive strips is criterion UP, and weighing it
against the progress in training is criterion PQ, of L. Prechelt, Early Stopping - But When?
(Neural Networks: Tricks of the Trade, 1998); the intervals are ours.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from training.measuring.figures import Figure
from training.runs.schedule import Evaluated, has_drifted

# intervals over fewer pairs are too narrow to end a run by
FEWEST_PAIRS = 30


@dataclass(frozen=True)
class Rules:
    """What ends a run. 0 evaluations turn a rule off."""

    kl_threshold: float
    overfit_evaluations: int
    plateau_evaluations: int


@dataclass(frozen=True)
class Changes:
    """One evaluation against the leader that it met.

    Attributes:
        step, leader: optimizer steps of both.
        loss: held-out loss minus that of the leader, mean over pairs.
        accuracy: preference accuracy minus that of the leader.
        training: training loss of late steps minus that of the steps up to the leader.
    """

    step: int
    leader: int
    loss: Figure
    accuracy: Figure
    training: Figure

    @property
    def leads(self) -> bool:
        """Whether this evaluation is the new leader."""
        return self.loss.ci95 is not None and self.loss.ci95[1] < 0

    @property
    def is_worse(self) -> bool:
        """Whether the held-out pairs have become worse, by loss or by accuracy."""
        if self.loss.n < FEWEST_PAIRS:
            return False
        rises = self.loss.ci95 is not None and self.loss.ci95[0] > 0
        return rises or (self.accuracy.ci95 is not None and self.accuracy.ci95[1] < 0)

    @property
    def trains_better(self) -> bool:
        return self.training.ci95 is not None and self.training.ci95[1] < 0

    def as_json(self) -> dict[str, Any]:
        return {
            "leader": self.leader,
            "loss": self.loss.as_json(),
            "preference_accuracy": self.accuracy.as_json(),
            "training_loss": self.training.as_json(),
        }

    @classmethod
    def of_json(cls, step: int, values: Mapping[str, Any]) -> Changes:
        read = (
            Figure.of_json(values[name])
            for name in ("loss", "preference_accuracy", "training_loss")
        )
        return cls(step, int(values["leader"]), *read)


@dataclass(frozen=True)
class Stop:
    """Why a run ends: `drift`, `overfitting` or `plateau`, and a sentence with the figures."""

    reason: str
    sentence: str


def decide(history: Sequence[Evaluated], changes: Sequence[Changes], rules: Rules) -> Stop | None:
    """Whether a run with these evaluations ends here, and why; None while it goes on."""
    if has_drifted(history, rules.kl_threshold):
        return Stop("drift", _drifted(history, rules.kl_threshold))
    if _overfits(changes, rules.overfit_evaluations):
        return Stop("overfitting", _overfitted(changes[-rules.overfit_evaluations :]))
    if _stands_still(history, changes, rules.plateau_evaluations):
        return Stop("plateau", _stood_still(changes[-1], rules.plateau_evaluations))
    return None


def leader(history: Sequence[Evaluated], changes: Sequence[Changes]) -> int | None:
    """The step of the evaluation that the next one is compared with; None before the first."""
    leading = [one.step for one in changes if one.leads]
    if leading:
        return leading[-1]
    return history[0].step if history else None


def training_change(losses: Mapping[int, float], leading: int, window: int) -> Figure:
    """Mean training loss of the last steps minus that of the steps up to the leader.

    Welch's 95% interval over at most `window` logged steps on either side. When the start leads,
    the earlier half of the run stands for the steps up to it.
    """
    border = leading or max(losses, default=0) // 2
    before = [value for step, value in sorted(losses.items()) if step <= border][-window:]
    since = [value for step, value in sorted(losses.items()) if step > border][-window:]
    n = len(before) + len(since)
    if min(len(before), len(since)) < 2:
        return Figure(None, None, n, "training batches", "fewer than two steps on a side")
    change = float(np.mean(since) - np.mean(before))
    with warnings.catch_warnings():
        # losses that have come to one number have no spread, and scipy says so
        warnings.simplefilter("ignore", RuntimeWarning)
        found = stats.ttest_ind(since, before, equal_var=False).confidence_interval(0.95)
    ends = (float(found.low), float(found.high))
    if not np.all(np.isfinite(ends)):
        ends = (change, change)
    return Figure(change, ends, n, "training batches")


def _overfits(changes: Sequence[Changes], wanted: int) -> bool:
    last = changes[-wanted:] if wanted else []
    return (
        bool(last)
        and len(last) == wanted
        and all(one.is_worse for one in last)
        and last[-1].trains_better
    )


def _stands_still(history: Sequence[Evaluated], changes: Sequence[Changes], wanted: int) -> bool:
    if not wanted or not changes or changes[-1].loss.n < FEWEST_PAIRS:
        return False
    leading = leader(history, changes)
    since = [one for one in changes if leading is not None and one.step > leading]
    return len(since) >= wanted and all(one.loss.ci95 is not None for one in since)


def _drifted(history: Sequence[Evaluated], threshold: float) -> str:
    lows = " and ".join(f"{one.kl_low:.4g} (step {one.step})" for one in history[-2:])
    return (
        f"the KL per token drifted above kl_threshold {threshold:g} nats: its lower 95% bound was "
        f"{lows} in two evaluations in a row"
    )


def _overfitted(last: Sequence[Changes]) -> str:
    now = last[-1]
    return (
        f"over-fitting: the held-out pairs were worse than at step {now.leader} in {len(last)} "
        f"evaluations in a row while training improved. Now held-out loss {_told(now.loss)}, "
        f"preference accuracy {_told(now.accuracy)}, n {now.loss.n}, labels {now.loss.labels}; "
        f"training loss {_told(now.training)}"
    )


def _stood_still(now: Changes, wanted: int) -> str:
    return (
        f"a plateau: no evaluation since step {now.leader} has a lower held-out loss by its whole "
        f"95% interval, {wanted} or more of them. Now held-out loss {_told(now.loss)}, n "
        f"{now.loss.n}, labels {now.loss.labels}"
    )


def _told(change: Figure) -> str:
    if change.value is None or change.ci95 is None:
        return f"n/a ({change.reason})"
    return f"{change.value:+.4g} (95% interval {change.ci95[0]:+.4g} to {change.ci95[1]:+.4g})"
