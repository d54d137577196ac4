"""What the guard of capabilities needs: the start of a round answers what its checkpoint answered.

A drop shows only between two that were asked the same. So whoever measures a checkpoint gets the
start measured as well where that is missing: the same items with the same settings, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rounds.independent import comparison, running
from storage import checkpoints, identity
from storage.errors import NotFoundError
from storage.ledger import Connection
from storage.rows import Checkpoint, Job
from storage.workspace import Workspace
from training.jobs import submission
from training.jobs.starts import Start

# marks a job that was queued here, so that the start's own start is not asked in turn
GUARD = "guard"


def queue_starts(workspace: Workspace, found: Sequence[Job]) -> Iterator[Job]:
    """Queue what is missing for the benchmarks of some jobs; the jobs that were queued now."""
    known = {job.id for job in found}
    for job in found:
        made = _queue(workspace, job, found)
        if made is not None and made.id not in known and not made.state.is_final:
            known.add(made.id)
            yield made


def _queue(workspace: Workspace, job: Job, others: Sequence[Job]) -> Job | None:
    told = running.asked(job)
    if told is None or told.get(GUARD):
        return None
    with workspace.ledger.read() as db:
        measured = _checkpoint(db, job) if running.result_of(db, job) else None
    start = comparison.start_of(workspace, measured) if measured else ""
    # the files of two results are read only where no job tells
    if measured is None or not start or any(_asked_same(one, start, job) for one in others):
        return None
    if _is_comparable(workspace, start, measured, told):
        return None
    settings = job.spec["settings"]
    content = {"start": start, "suite": told["suite"], "settings": settings}
    return submission.submit_sampling(
        workspace,
        start_from=start,
        prompts=Path(job.spec["prompts"]),
        batch="",
        settings=settings,
        pictures_root=Path(job.spec["pictures_root"]),
        key=identity.digest({GUARD: content}),
        then={running.THEN: {**told, GUARD: True}},
    )


def _asked_same(other: Job, start: str, job: Job) -> bool:
    """Whether a job asks the start what another job asked its checkpoint, however it ended."""
    told, wanted = running.asked(other), running.asked(job)
    if told is None or wanted is None or told["suite"] != wanted["suite"]:
        return False
    of = Start.of_json(other.spec["start"])
    return (of.tip or of.name) == start and other.spec["settings"] == job.spec["settings"]


def _checkpoint(db: Connection, job: Job) -> Checkpoint | None:
    """The checkpoint that a job asked; None for a bare model, which has no start."""
    tip = Start.of_json(job.spec["start"]).tip
    try:
        return checkpoints.get(db, tip) if tip else None
    except NotFoundError:
        return None


def _is_comparable(
    workspace: Workspace, start: str, measured: Checkpoint, told: running.Told
) -> bool:
    """Whether the two have items of this benchmark in common already."""
    found = comparison.compare(workspace, start, measured.id)
    return any(one.benchmark == told["benchmark"] for one in found)
