"""Steps of a run that is still going on: held for their pushes, queued, and let go of.

A run keeps few of its steps, and a push may wait. Held are hard links: no byte is copied, and what
the run removes stays until its push is over.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from storage import jobs
from storage.errors import NotFoundError, PairwrightError
from storage.ledger import Connection, Ledger
from storage.rows import Job
from storage.workspace import Workspace
from training.hub import submission
from training.jobs.folder import JobFolder
from training.runs import manifest

# of one run at a time: a Hub that is slower than the run gets fewer steps, never a full disk
MOST_HELD = 3
_FOLDER = "pushes"
_STEP = re.compile(r"step-(\d+)")
_MOST_JOBS = 10_000


def queue(ledger: Ledger, job: Job, folder: JobFolder, saved: Sequence[int]) -> None:
    """Queue the pushes of steps that a run has just saved, when its settings ask for each.

    What goes wrong here never reaches the run: what it still keeps at its end is queued then.
    """
    wanted = job.spec["settings"].get("hub") or {}
    if wanted.get("when") != "each_checkpoint" or not wanted.get("repo"):
        return
    held = [step for step in saved if _hold(folder, step)]
    if not held:
        return
    try:
        with ledger.write() as tx:
            jobs.hold(tx, job.id, job.fence)
            for step in held:
                submission.queue_step(tx, job, step)
    except PairwrightError as error:
        print(f"job {job.id}: pushes of steps {held} are not queued: {error}", flush=True)


def source(folder: JobFolder, step: int) -> Path:
    """The weights of a step: those held for its push, else what the run kept."""
    held = folder.path / _FOLDER / f"step-{step}"
    return held if held.is_dir() else manifest.step_folder(folder.checkpoints, step)


def let_go(workspace: Workspace) -> None:
    """Remove what no push waits for any more."""
    found = [
        path
        for path in workspace.jobs_folder.glob(f"*/{_FOLDER}/step-*")
        if _STEP.fullmatch(path.name)
    ]
    if not found:
        return
    with workspace.ledger.read() as db:
        pushes = jobs.listed(db, submission.KIND, _MOST_JOBS)
        over = [path for path in found if _is_over(db, path, pushes)]
    for path in over:
        shutil.rmtree(path, ignore_errors=True)


def _is_over(db: Connection, held: Path, pushes: Sequence[Job]) -> bool:
    run, step = held.parent.parent.name, int(held.name.partition("-")[2])
    ended = [
        job.state.is_final
        for job in pushes
        if job.spec.get("run") == run and job.spec["settings"].get("step") == step
    ]
    # one that is about to be queued is held already
    return all(ended) if ended else _has_ended(db, run)


def _has_ended(db: Connection, run: str) -> bool:
    try:
        return jobs.get(db, run).state.is_final
    except NotFoundError:
        return True


def _hold(folder: JobFolder, step: int) -> bool:
    """False when the run has removed the step, or when enough wait already."""
    held = folder.path / _FOLDER / f"step-{step}"
    if held.is_dir():
        return True
    if sum(1 for _ in held.parent.glob("step-*")) >= MOST_HELD:
        return False
    try:
        manifest.link(manifest.step_folder(folder.checkpoints, step), held)
    except (OSError, PairwrightError):
        # the run was faster, or this disk knows no hard links
        shutil.rmtree(held.with_name(f"{held.name}.partial"), ignore_errors=True)
        return False
    return True
