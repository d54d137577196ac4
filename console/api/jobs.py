"""Routes for jobs: start one, read it, follow its figures, stop it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query

from console.api.desk import KEY_NEEDED, Desk, ReadingDesk, WritingDesk
from console.api.models import (
    EvaluateRequest,
    JobList,
    JobMetrics,
    JobOut,
    JobRequest,
    MetricPoint,
    TrainRequest,
)
from console.api.problems import responses
from storage import checkpoints, events, jobs, models
from storage.ledger import Connection
from storage.rows import Job
from training import spec as specs
from training import submission

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=KEY_NEEDED)

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        description="The same key with the same request gives the job that is already there; "
        "with another request it is answered with 409.",
    ),
]


@router.post("", status_code=201, responses=responses(403, 404, 409))
def create(desk: WritingDesk, wanted: JobRequest, idempotency_key: IdempotencyKey = None) -> JobOut:
    """Queue a training or an evaluation; a worker takes it."""
    nonce = None if idempotency_key is None else f"{desk.key.id} {idempotency_key}"
    if isinstance(wanted, TrainRequest):
        return JobOut.of(_train(desk, wanted, nonce))
    return JobOut.of(_evaluate(desk, wanted, nonce))


@router.get("", responses=responses())
def list_jobs(
    desk: ReadingDesk,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> JobList:
    """The newest jobs."""
    with desk.workspace.ledger.read() as db:
        return JobList(jobs=[JobOut.of(job) for job in jobs.listed(db, kind=kind, limit=limit)])


@router.get("/{job_id}", responses=responses(404))
def show(desk: ReadingDesk, job_id: str) -> JobOut:
    """One job: state, progress, and at its end what came out."""
    with desk.workspace.ledger.read() as db:
        return JobOut.of(jobs.get(db, job_id))


@router.get("/{job_id}/metrics", responses=responses(404))
def show_metrics(
    desk: ReadingDesk,
    job_id: str,
    split: Literal["train", "holdout"] | None = None,
    after: Annotated[str | None, Query(pattern=r"^[0-9]{1,9}\.[0-9]{1,12}$")] = None,
) -> JobMetrics:
    """The figures that the run reported so far; `after` of one answer asks for what follows."""
    with desk.workspace.ledger.read() as db:
        job = jobs.get(db, job_id)
        found = events.listed(db, job.id, kind="metric", after=_position(after))
    last = f"{found[-1].attempt}.{found[-1].sequence}" if found else after
    points = [MetricPoint.of(event) for event in found]
    chosen = [point for point in points if split in (None, point.split)]
    return JobMetrics(job=job.id, state=job.state, points=chosen, after=last)


@router.post("/{job_id}/cancel", responses=responses(403, 404))
def cancel(desk: WritingDesk, job_id: str) -> JobOut:
    """Stop a job: at once when it waits, at its next safe point when it runs."""
    with desk.workspace.ledger.write() as tx:
        return JobOut.of(jobs.request_cancel(tx, job_id))


def _train(desk: Desk, wanted: TrainRequest, nonce: str | None) -> Job:
    spec = specs.parse_spec(wanted.settings)
    with desk.workspace.ledger.read() as db:
        _check_start(db, wanted.start_from)
    return submission.submit_training(
        desk.workspace,
        dataset=wanted.dataset,
        start_from=wanted.start_from,
        spec=spec,
        key=nonce,
    )


def _evaluate(desk: Desk, wanted: EvaluateRequest, nonce: str | None) -> Job:
    with desk.workspace.ledger.read() as db:
        _check_start(db, wanted.checkpoint)
    return submission.submit_evaluation(
        desk.workspace,
        checkpoint=wanted.checkpoint,
        dataset=wanted.dataset,
        split=wanted.split,
        key=nonce,
    )


def _check_start(db: Connection, name: str) -> None:
    """Only what is recorded: a caller over the network names no folder of this machine.

    Raises NotFoundError for anything else.
    """
    if models.get(db, name) is None:
        checkpoints.get(db, name)


def _position(after: str | None) -> tuple[int, int] | None:
    if after is None:
        return None
    attempt, _, sequence = after.partition(".")
    return int(attempt), int(sequence)
