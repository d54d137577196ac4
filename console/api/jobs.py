"""Routes for jobs: start one, read it, follow its figures, stop it."""

from __future__ import annotations

import codecs
import hashlib
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query

from console.api import collecting
from console.api.desk import KEY_NEEDED, Desk, ReadingDesk, WritingDesk
from console.api.models import (
    EvaluateRequest,
    JobList,
    JobLog,
    JobMetrics,
    JobOut,
    JobRequest,
    JudgeRequest,
    MetricPoint,
    PrepareRequest,
    PromptIn,
    SampleRequest,
    TrainRequest,
)
from console.api.problems import responses
from storage import events, jobs
from storage.errors import WrongInputError
from storage.rows import Job
from training.answers import prompts
from training.jobs import starts, submission
from training.jobs.folder import JobFolder
from training.modeling import tuned
from training.settings import spec as specs

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
    """Queue a training, an evaluation, a sampling, a preparation or a judging; a worker takes
    it."""
    nonce = None if idempotency_key is None else f"{desk.key.id} {idempotency_key}"
    if isinstance(wanted, TrainRequest):
        return JobOut.of(_train(desk, wanted, nonce))
    if isinstance(wanted, SampleRequest):
        return JobOut.of(_sample(desk, wanted, nonce))
    if isinstance(wanted, PrepareRequest):
        return JobOut.of(collecting.prepare(desk, wanted, nonce))
    if isinstance(wanted, JudgeRequest):
        return JobOut.of(collecting.judge(desk, wanted, nonce))
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


@router.get("/{job_id}/logs", responses=responses(404))
def show_log(
    desk: ReadingDesk,
    job_id: str,
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1024, le=1 << 20)] = 1 << 16,
) -> JobLog:
    """What the run wrote, at most `limit` bytes from `offset` on; empty while there is no more."""
    with desk.workspace.ledger.read() as db:
        job = jobs.get(db, job_id)
    text, end = _written(JobFolder(desk.workspace.jobs_folder / job.id).log_file, offset, limit)
    return JobLog(job=job.id, state=job.state, offset=offset, text=text, next_offset=end)


@router.post("/{job_id}/cancel", responses=responses(403, 404))
def cancel(desk: WritingDesk, job_id: str) -> JobOut:
    """Stop a job: at once when it waits, at its next safe point when it runs."""
    with desk.workspace.ledger.write() as tx:
        return JobOut.of(jobs.request_cancel(tx, job_id))


def _train(desk: Desk, wanted: TrainRequest, nonce: str | None) -> Job:
    spec = specs.parse_spec(wanted.settings)
    with desk.workspace.ledger.read() as db:
        collecting.check_start(db, wanted.start_from)
        if not wanted.without_sft:
            start = starts.resolve(db, wanted.start_from)
            tuned.check(start, spec.stage, "send without_sft as true")
    return submission.submit_training(
        desk.workspace,
        dataset=wanted.dataset,
        start_from=wanted.start_from,
        spec=spec,
        key=nonce,
    )


def _evaluate(desk: Desk, wanted: EvaluateRequest, nonce: str | None) -> Job:
    with desk.workspace.ledger.read() as db:
        collecting.check_start(db, wanted.checkpoint)
    return submission.submit_evaluation(
        desk.workspace,
        checkpoint=wanted.checkpoint,
        dataset=wanted.dataset,
        split=wanted.split,
        blank_pictures=wanted.blank_pictures,
        answers=wanted.answers,
        key=nonce,
    )


def _sample(desk: Desk, wanted: SampleRequest, nonce: str | None) -> Job:
    settings = collecting.answering(wanted.settings, wanted.rivals)
    with desk.workspace.ledger.read() as db:
        for name in (wanted.start_from, *wanted.rivals):
            collecting.check_start(db, name)
    return submission.submit_sampling(
        desk.workspace,
        start_from=wanted.start_from,
        prompts=_kept(desk.workspace.jobs_folder / "prompts", wanted.prompts),
        batch=wanted.batch,
        settings=settings,
        key=nonce,
        rivals=wanted.rivals,
    )


def _kept(folder: Path, asked: Sequence[PromptIn]) -> Path:
    """The prompts as a file for the runner, named by its content: asked again it is the same.

    Raises WrongInputError for a prompt that cannot be asked.
    """
    lines = [json.dumps(prompt.model_dump(), ensure_ascii=False) + "\n" for prompt in asked]
    data = "".join(lines).encode()
    folder.mkdir(exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()}.jsonl"
    partial = path.with_suffix(f".{uuid.uuid4().hex}")
    partial.write_bytes(data)
    try:
        prompts.read(partial, folder)
        partial.replace(path)
    except WrongInputError as error:
        what = error.what.replace(partial.name, "the prompts")
        raise WrongInputError(what, error.next_step) from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def _written(log: Path, offset: int, most: int) -> tuple[str, int]:
    """Text from a byte on, and the byte after it; a character that is cut comes with the next."""
    try:
        with log.open("rb") as file:
            file.seek(offset)
            data = file.read(most)
    except FileNotFoundError:
        return "", offset
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data)
    return text, offset + len(data) - len(decoder.getstate()[0])


def _position(after: str | None) -> tuple[int, int] | None:
    if after is None:
        return None
    attempt, _, sequence = after.partition(".")
    return int(attempt), int(sequence)
