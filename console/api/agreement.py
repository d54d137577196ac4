"""Route for the agreement of annotators."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from console.api.agreement_models import AgreementOut
from console.api.desk import KEY_NEEDED, ReadingDesk
from console.api.problems import responses
from console.commands import agreement
from labeling.agreement import groups, report

router = APIRouter(prefix="/v1/agreement", tags=["agreement"], dependencies=KEY_NEEDED)


@router.get("", responses=responses(404))
def show(
    desk: ReadingDesk,
    batch: Annotated[str | None, Query(max_length=200)] = None,
    by: Literal["batch", "category", "round", "checkpoints"] | None = None,
) -> AgreementOut:
    """The agreement of one batch, or of all votes; `by` asks for every part of them, too."""
    found = report.of_batch(desk.workspace, batch)
    parts = None
    if by is not None:
        parts = agreement.parts_as_json(groups.measure(desk.workspace, by, batch))
    told = {"batch": batch, "by": by, "parts": parts}
    return AgreementOut.model_validate({**told, **agreement.as_json(found)})
