"""What the Runs page shows: the list of jobs, and one job with its curves, figures and log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.views import curves, figures, losses, publishing, wording
from console.views.curves import Panel
from console.views.figures import FigureLine
from storage import checkpoints, clock, events, jobs, publications, workers
from storage.ledger import Connection
from storage.rows import Attempt, Checkpoint, Job, JobEvent, JobState
from storage.workspace import Workspace
from training.jobs import keeping
from training.jobs.folder import JobFolder
from training.tracking import standing

MOST_RUNS = 200
LOG_LINES = 200
_LOG_BYTES = 64 * 1024


@dataclass(frozen=True)
class RunLine:
    """A row of the list. `percent` is the progress within the phase; None where unknown."""

    id: str
    name: str
    kind: str
    state: str
    percent: float | None
    progress: str
    model: str
    dataset: str
    started: str
    took: str


@dataclass(frozen=True)
class RunsList:
    """The newest jobs. `active` says that something may still change."""

    lines: Sequence[RunLine]
    active: bool
    workers: int

    @property
    def foremost(self) -> str:
        """The job to show when none is chosen: the newest that runs, else the newest."""
        running = [line.id for line in self.lines if line.state == JobState.RUNNING.value]
        return (running or [line.id for line in self.lines] or [""])[0]


@dataclass(frozen=True)
class AttemptLine:
    attempt: int
    worker: str
    started: str
    took: str
    outcome: str


@dataclass(frozen=True)
class Mark:
    """How much of a job has been drawn: its state, and its last metric or note."""

    job: str
    state: JobState
    attempt: int
    last: tuple[int, int]


@dataclass(frozen=True)
class RunDetail:
    """One job.

    Attributes:
        line: as in the list.
        mark: for `moved_on`.
        is_final: nothing will change any more.
        can_stop: a stop can still be asked for.
        panels: the curves of a training; empty for other kinds.
        losses: what the losses of this run do, in words; empty where there are none.
        figures_of: what the table of figures describes, such as `checkpoint v1-a` or `step 40`.
        published: what this run made or put on the Hub, as a sentence and a link.
        checkpoint: the name of what this run made; empty where it made none.
        hint: what to do next in a sentence, with a command where there is one.
    """

    line: RunLine
    mark: Mark
    is_final: bool
    can_stop: bool
    error: str
    notes: Sequence[str]
    panels: Sequence[Panel]
    losses: str
    figures_of: str
    figures: Sequence[FigureLine]
    settings: Sequence[tuple[str, str]]
    attempts: Sequence[AttemptLine]
    published: Sequence[tuple[str, str]]
    checkpoint: str
    hint: str
    command: str


def listed(workspace: Workspace) -> RunsList:
    """The newest jobs first."""
    with workspace.ledger.read() as db:
        found = jobs.listed(db, limit=MOST_RUNS)
        now = clock.now(db)
        live = workers.live(db)
    found = sorted(found, key=lambda job: job.created_at, reverse=True)
    return RunsList(
        lines=[_line(job, now) for job in found],
        active=any(not job.state.is_final for job in found),
        workers=live,
    )


def detail(workspace: Workspace, job_id: str) -> RunDetail:
    """Everything about one job.

    Raises:
        NotFoundError: no job with this id.
    """
    with workspace.ledger.read() as db:
        job = jobs.get(db, job_id)
        now = clock.now(db)
        tries = jobs.attempts(db, job_id)
        metrics = events.listed(db, job_id, kind="metric")
        notes = events.listed(db, job_id, kind="note")
        made = _checkpoint(db, job)
        published = _published(db, job)
    title, measured = _measured(job, made, metrics)
    hint, command = _hint(workspace.home, job, made)
    panels = curves.panels(metrics, _settings(job)) if job.kind == "train" else []
    return RunDetail(
        line=_line(job, now),
        mark=Mark(job.id, job.state, job.attempt, _last([*metrics, *notes])),
        is_final=job.state.is_final,
        can_stop=not job.state.is_final and job.state is not JobState.CANCELLING,
        error=job.error,
        notes=[
            *(str(note.payload.get("text", "")) for note in notes),
            *standing.told(workspace.jobs_folder / job_id),
        ],
        panels=panels,
        losses=losses.sentence(panels[0], is_final=job.state.is_final) if panels else "",
        figures_of=title,
        figures=figures.table(measured),
        settings=[(key, _written(value)) for key, value in sorted(_settings(job).items())],
        attempts=[_attempt(attempt, now) for attempt in tries],
        published=published,
        checkpoint=made.name if made is not None else "",
        hint=hint,
        command=command,
    )


def moved_on(workspace: Workspace, seen: Mark) -> bool:
    """Whether a job has changed since it was drawn. Progress alone is no change."""
    with workspace.ledger.read() as db:
        job = jobs.get(db, seen.job)
        if (job.state, job.attempt) != (seen.state, seen.attempt):
            return True
        fresh = events.listed(db, seen.job, after=seen.last)
    return any(event.kind in ("metric", "note") for event in fresh)


def log(workspace: Workspace, job_id: str) -> str:
    """The end of what the run wrote."""
    return JobFolder(workspace.jobs_folder / job_id).log_tail(LOG_LINES, _LOG_BYTES)


def stop(workspace: Workspace, job_id: str) -> JobState:
    """Ask a job to stop; return the state it has now.

    Raises:
        NotFoundError: no job with this id.
    """
    with workspace.ledger.write() as tx:
        return jobs.request_cancel(tx, job_id).state


def _line(job: Job, now: int) -> RunLine:
    settings = _settings(job)
    step, steps = job.progress.get("step"), job.progress.get("steps")
    percent = None
    if wording.is_number(step) and wording.is_number(steps) and steps:
        percent = min(100.0, 100 * step / steps)
    took = ""
    if job.started_at is not None:
        took = wording.duration(((job.finished_at or now) - job.started_at) / wording.MICROS)
    return RunLine(
        id=job.id,
        name=str(settings.get("task_name") or settings.get("model_name") or ""),
        kind=wording.job_kind(job.kind),
        state=job.state.value,
        percent=100.0 if job.state is JobState.SUCCEEDED else percent,
        progress="" if job.state.is_final else wording.progress(job.progress),
        model=_start(job),
        dataset=str(job.spec.get("dataset") or job.spec.get("batch") or ""),
        started=wording.stamp(job.started_at or job.created_at),
        took=took,
    )


def _last(drawn: Sequence[JobEvent]) -> tuple[int, int]:
    return max(((event.attempt, event.sequence) for event in drawn), default=(0, 0))


def _settings(job: Job) -> Mapping[str, Any]:
    settings = job.spec.get("settings")
    return settings if isinstance(settings, Mapping) else {}


def _start(job: Job) -> str:
    """What the job starts from or asks: a model, a checkpoint, or the model of an address."""
    asked = job.spec.get("start") or job.spec.get("judge")
    return str(asked.get("name", "")) if isinstance(asked, Mapping) else ""


def _checkpoint(db: Connection, job: Job) -> Checkpoint | None:
    made = [row for row in checkpoints.listed(db) if row.job_id == job.id]
    return made[-1] if made else None


def _published(db: Connection, job: Job) -> list[tuple[str, str]]:
    """Publications of the run's checkpoint and steps, or by the run itself, the newest first."""
    found = [
        row
        for row in publications.listed(db)
        if row.job_id == job.id or row.subject == keeping.checkpoint_made(job)
    ]
    return [publishing.told(row) for row in found]


def _measured(
    job: Job, made: Checkpoint | None, metrics: Sequence[JobEvent]
) -> tuple[str, Mapping[str, Any]]:
    """The figures to show and what they describe: the result if there is one, else the latest."""
    if made is not None:
        step = made.metrics.get("step")
        return f"checkpoint {made.name}{f' (step {step})' if step else ''}", made.metrics
    result = (job.result or {}).get("metrics")
    if isinstance(result, Mapping):
        return "the result", result
    held_out = [event for event in metrics if event.payload.get("split") == "holdout"]
    if not held_out:
        return "", {}
    return f"step {held_out[-1].payload.get('step')}", curves.latest(metrics)


def _attempt(attempt: Attempt, now: int) -> AttemptLine:
    took = ((attempt.ended_at or now) - attempt.started_at) / wording.MICROS
    outcome = attempt.outcome or "under way"
    return AttemptLine(
        attempt=attempt.number,
        worker=f"{attempt.worker}, process {attempt.pid}",
        started=wording.stamp(attempt.started_at),
        took=wording.duration(took),
        outcome=f"{outcome}: {attempt.reason}" if attempt.reason else outcome,
    )


def _hint(home: Path, job: Job, made: Checkpoint | None) -> tuple[str, str]:
    if job.state is JobState.SUCCEEDED and made is not None:
        words = ("evaluate", "--checkpoint", made.name, "--dataset", made.dataset_version)
        hint = f"Checkpoint {made.name} is made. To measure it on a dataset version:"
        return hint, wording.command(home, *words)
    if job.state in (JobState.FAILED, JobState.CANCELLED) and job.kind == "train":
        words = ("train", "--dataset", str(job.spec.get("dataset")), "--from", _start(job))
        return "A stopped or failed run stays as it is. Start a new one:", wording.command(
            home, *words
        )
    if job.state is JobState.QUEUED:
        return "It starts when a worker is free.", ""
    return "", ""


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
