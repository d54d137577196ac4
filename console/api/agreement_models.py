"""What the API says of the agreement of annotators."""

from __future__ import annotations

from pydantic import BaseModel

Ends = tuple[float, float]


class FigureOut(BaseModel):
    """A coefficient on `n` items; `value` is null when undefined, and `reason` says why."""

    value: float | None
    ci95: Ends | None
    n: int
    reason: str


class PairOut(FigureOut):
    """Cohen's kappa of two annotators. `percent_agreement` is 0 to 1, and so are the indices that
    say why kappa may be low nevertheless: `prevalence` of a verdict, and `bias` between the two."""

    raters: tuple[str, str]
    percent_agreement: float
    prevalence: float
    bias: float


class CoefficientsOut(BaseModel):
    """How far annotators agree. `percent_agreement` is 0 to 1; `percent` has its interval."""

    items: int
    shared_items: int
    raters: int
    votes: int
    label_shares: dict[str, float]
    percent_agreement: float | None
    percent: FigureOut
    cohen_kappa: list[PairOut]
    fleiss_kappa: FigureOut
    krippendorff_alpha: FigureOut
    krippendorff_alpha_ordinal: FigureOut | None
    gwet_ac1: FigureOut


class IntervalsOut(BaseModel):
    """How the intervals were made."""

    level: float
    method: str
    resamples: int
    seed: int


class PartOut(CoefficientsOut):
    """A part of the votes. Ties count as a label; `without_ties` leaves them out, null where there
    is none."""

    without_ties: CoefficientsOut | None


class AgreementOut(PartOut):
    """The votes asked for, and `by` something every part of them, by its name.

    `excluded_votes`: annotator -> votes that do not count, because somebody excluded them.
    """

    batch: str | None
    by: str | None
    parts: dict[str, PartOut] | None
    excluded_votes: dict[str, int]
    orientation: str
    intervals: IntervalsOut
