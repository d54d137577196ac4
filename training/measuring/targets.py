"""Whether a measured preference accuracy reaches a target, as far as its interval can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from storage.errors import WrongInputError

FIGURE = "preference_accuracy"


class Verdict(StrEnum):
    MET = "met"
    NOT_MET = "not met"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Judged:
    """A target and what became of it.

    Attributes:
        value: the target, 0 to 1.
        why: the verdict as a sentence, with the figure and its interval.
    """

    value: float
    verdict: Verdict
    why: str

    def as_json(self) -> dict[str, Any]:
        return {"value": self.value, "verdict": self.verdict.value}


def check(target: float) -> float:
    """The target. Raises WrongInputError when it is not between 0 and 1, both ends excluded."""
    if not 0 < target < 1:
        raise WrongInputError(
            f"The target is {target:g}.", "Give a share between 0 and 1, such as 0.65."
        )
    return target


def judge(metrics: Mapping[str, Any], target: float) -> Judged:
    """Compare the 95% interval of the preference accuracy with a target, 0 to 1.

    Met: the whole interval lies above the target. Not met: it lies below. Undecided: the target is
    inside, or there is no interval; more pairs make it narrower.
    """
    figure = metrics.get(FIGURE)
    ends = figure.get("ci95") if isinstance(figure, Mapping) else None
    if not isinstance(figure, Mapping) or not ends:
        return Judged(target, Verdict.UNDECIDED, f"Target {target:.1%}: undecided, not measured.")
    low, high = ends
    verdict = Verdict.UNDECIDED
    if low > target:
        verdict = Verdict.MET
    elif high < target:
        verdict = Verdict.NOT_MET
    measured = f"{figure['value']:.1%} (95% interval {low:.1%} to {high:.1%}, n {figure['n']:,})"
    why = f"Target {target:.1%} of preference accuracy: {verdict}, measured {measured}."
    return Judged(target, verdict, why)
