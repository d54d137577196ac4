"""Route for the agreement of annotators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.api.desk import KEY_NEEDED, ReadingDesk
from console.api.models import AgreementOut
from console.api.problems import responses
from console.commands import agreement
from labeling.agreement import report

router = APIRouter(prefix="/v1/agreement", tags=["agreement"], dependencies=KEY_NEEDED)


@router.get("", responses=responses(404))
def show(
    desk: ReadingDesk, batch: Annotated[str | None, Query(max_length=200)] = None
) -> AgreementOut:
    """The agreement of one batch, or of all votes."""
    found = report.of_batch(desk.workspace, batch)
    return AgreementOut.model_validate({"batch": batch, **agreement.as_json(found)})
