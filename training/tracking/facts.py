"""What trackers are told of a job, taken from the ledger by the worker."""

from __future__ import annotations

from storage import checkpoints, dataset_versions, round_log
from storage.ledger import Connection
from storage.round_log import RoundEventKind
from storage.rows import Job
from storage.workspace import Workspace
from training.jobs import keeping
from training.jobs.starts import Start
from training.settings.tracking import TRACKERS
from training.tracking.subject import Ending, Subject

# below the workspace: what trackers without an address keep here
LOCAL = "tracking"


def trackers_of(job: Job) -> list[str]:
    """The trackers that a training names; none for jobs of an older version."""
    wanted = job.spec["settings"].get("tracking") or ()
    return [name for name in wanted if name in TRACKERS]


def subject_of(db: Connection, workspace: Workspace, job: Job) -> Subject:
    settings = job.spec["settings"]
    version = dataset_versions.get(db, job.spec["dataset"])
    told = ("id", "digest", "labels", "rows", "train", "holdout")
    rows = str((workspace.home / version.path).resolve())
    return Subject(
        job=job.id,
        name=settings.get("task_name") or keeping.name_asked(job),
        project=settings["tracking_project"],
        settings=settings,
        start=Start.of_json(job.spec["start"]).name,
        dataset={name: getattr(version, name) for name in told},
        rows_file=rows if settings["tracking_files"] else "",
        sends_files=settings["tracking_files"],
        local=str((workspace.home / LOCAL).resolve()),
    )


def ending_of(db: Connection, workspace: Workspace, job: Job) -> Ending:
    """How a job ended that has."""
    made = [one for one in checkpoints.listed(db) if one.job_id == job.id]
    if not made:
        return Ending(job.state.value, round=_round(db, job))
    found = made[0]
    return Ending(
        state=job.state.value,
        checkpoint=found.id,
        name=found.name,
        parent=found.parent or "",
        round=_round(db, job),
        weights=str((workspace.home / found.path).resolve()),
        metrics=found.metrics,
    )


def _round(db: Connection, job: Job) -> str:
    """The round that the job was queued for, else the one that was open at the time."""
    happened = round_log.events(db)
    for event in happened:
        if event.kind is RoundEventKind.QUEUED and event.subject == job.id:
            return str(event.round)
    before = [one.number for one in round_log.listed(db) if one.created_at <= job.created_at]
    if not before:
        return ""
    number = max(before)
    ends = (RoundEventKind.CLOSED, RoundEventKind.REOPENED)
    said = [
        event.kind
        for event in happened
        if event.round == number and event.kind in ends and event.created_at <= job.created_at
    ]
    return "" if said and said[-1] is RoundEventKind.CLOSED else str(number)
