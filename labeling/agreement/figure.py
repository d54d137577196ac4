"""A coefficient with what it rests on, and why it may have no value."""

from __future__ import annotations

from dataclasses import dataclass

NOT_SHARED = "no two people judged the same item"
UNIFORM = "every judgement is the same, so agreement by chance is certain"
ONE_LABEL = "one of the two gave everything the same label, which makes kappa 0"
NOT_RESAMPLED = "no interval was asked for"
NO_INTERVAL = "too few or too uniform judgements for an interval"


@dataclass(frozen=True)
class Figure:
    """A number with what it rests on.

    Attributes:
        value: None when undefined.
        ci95: lower and upper end of the 95% interval, None when undefined.
        n: items that two or more people judged.
        reason: why `value` or `ci95` is None, else empty.
    """

    value: float | None
    ci95: tuple[float, float] | None
    n: int
    reason: str = ""


@dataclass(frozen=True)
class PairOfRaters:
    """Cohen's kappa of two raters on the items that both judged.

    Attributes:
        raters: their names, in alphabetical order.
        n: items that both judged.
        percent_agreement: share of these on which they gave the same label, 0 to 1.
        prevalence, bias: why kappa may be low nevertheless, 0 to 1 each: how much more common one
            label is than another, and how differently the two use them; see `indices`.
        reason: why `value` or `ci95` is None, else empty.
    """

    raters: tuple[str, str]
    n: int
    value: float | None
    ci95: tuple[float, float] | None
    percent_agreement: float
    prevalence: float
    bias: float
    reason: str = ""
