"""Routes for what compares models: blind A/B tests, and models as judges beside the experts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.api.comparison_models import AbTestsOut, JudgesOut
from console.api.desk import KEY_NEEDED, ReadingDesk
from console.api.problems import responses
from console.views import ab_tests, judged
from labeling import judges
from rounds.ab import results
from storage import batches

router = APIRouter(prefix="/v1", tags=["comparisons"], dependencies=KEY_NEEDED)

Batch = Annotated[str | None, Query(max_length=200)]


@router.get("/ab-tests", responses=responses(404))
def show_ab_tests(desk: ReadingDesk, batch: Batch = None) -> AbTestsOut:
    """Who wins in blind A/B tests, of one batch or of all. A sampling with `rivals` makes one."""
    return AbTestsOut.model_validate(ab_tests.as_json(results.of_batch(desk.workspace, batch)))


@router.get("/judges", responses=responses(404))
def show_judges(desk: ReadingDesk, batch: Batch = None) -> JudgesOut:
    """How far models as judges agree with the experts. A job of kind `judge` makes their labels."""
    if batch is not None:
        with desk.workspace.ledger.read() as db:
            batches.get(db, batch)
    found = judged.as_json(judges.against_experts(desk.workspace, batch))
    return JudgesOut.model_validate({"judges": found})
