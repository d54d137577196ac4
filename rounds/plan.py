"""What a round is planned to collect, by its number, and what such rounds are said to reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# in a focus: what the model still gets wrong says what to collect
FAILURE_MODES = "failure modes"


@dataclass(frozen=True)
class RoundPlan:
    """A round as it is proposed.

    Attributes:
        target_pairs: decided pairs to end with.
        focus: what to collect.
        expected: preference accuracy that a published programme of this shape reports after it, 0
            to 1; a picture of the course, no promise. None beyond what it reports.
    """

    target_pairs: int
    focus: str
    expected: float | None

    @property
    def at_failures(self) -> bool:
        """Whether its pairs are chosen by the clusters of failures."""
        return FAILURE_MODES in self.focus.casefold()


# as a vendor of such programmes reports its rounds (Datature, Vi, 2026)
PRESETS: Sequence[RoundPlan] = (
    RoundPlan(2400, "broad coverage of all categories", 0.68),
    RoundPlan(1800, "edge cases that the model is unsure about", 0.76),
    RoundPlan(1200, "the failure modes that remain", 0.82),
    RoundPlan(800, "edge cases of the domain, or new categories", 0.85),
)


def preset(number: int) -> RoundPlan:
    """The plan of round 1, 2, ...; later rounds are planned as the fourth, without a forecast."""
    if number <= len(PRESETS):
        return PRESETS[number - 1]
    last = PRESETS[-1]
    return RoundPlan(last.target_pairs, last.focus, None)


def expected_course() -> list[tuple[int, float]]:
    """Decided pairs in all so far, and the accuracy that is reported there."""
    course, total = [], 0
    for plan in PRESETS:
        total += plan.target_pairs
        if plan.expected is not None:
            course.append((total, plan.expected))
    return course
