"""Route for the agreement of annotators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from console.api.desk import KEY_NEEDED, ReadingDesk
from console.api.problems import responses
from console.commands import agreement
from labeling.agreement import report

router = APIRouter(prefix="/v1/agreement", tags=["agreement"], dependencies=KEY_NEEDED)

Ends = tuple[float, float]


class FigureOut(BaseModel):
    """A coefficient on `n` items; `value` is null when undefined, and `reason` says why."""

    value: float | None
    ci95: Ends | None
    n: int
    reason: str


class PairOut(FigureOut):
    """Cohen's kappa of two annotators; `percent_agreement` is 0 to 1."""

    raters: tuple[str, str]
    percent_agreement: float


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


class AgreementOut(CoefficientsOut):
    """Ties count as a label; `without_ties` leaves them out, null where there is none."""

    batch: str | None
    without_ties: CoefficientsOut | None
    orientation: str
    intervals: IntervalsOut


@router.get("", responses=responses(404))
def show(
    desk: ReadingDesk, batch: Annotated[str | None, Query(max_length=200)] = None
) -> AgreementOut:
    """The agreement of one batch, or of all votes."""
    found = report.of_batch(desk.workspace, batch)
    return AgreementOut.model_validate({"batch": batch, **agreement.as_json(found)})
