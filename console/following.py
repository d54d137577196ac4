"""Following a job from the terminal: its progress until it ends, with a worker if none is there."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import typer

from console import processes
from console.exit_codes import ExitCode
from console.output import Output
from console.processes import Child, Service
from console.progress import Meter, metering
from storage import jobs, workers
from storage.errors import PairwrightError
from storage.rows import Job, JobState
from storage.workspace import Workspace

_LOOK_EVERY = 0.3


def worker_service(workspace: Workspace, stall_minutes: float | None = None) -> Service:
    """The worker of a workspace as a child process; it is ready when it is known to the ledger."""

    def is_ready(pid: int) -> bool:
        with workspace.ledger.read() as db:
            return any(worker.pid == pid for worker in workers.listed(db))

    command = (sys.executable, "-P", "-m", "rounds.worker", "--home", str(workspace.home))
    patience = () if stall_minutes is None else ("--stall-minutes", str(stall_minutes))
    return Service(
        "worker",
        (*command, *patience),
        workspace.home / "logs" / "worker.log",
        is_ready,
    )


@contextmanager
def a_worker(workspace: Workspace, output: Output) -> Iterator[Child | None]:
    """See that a worker is alive for as long as the block runs; starts one when there is none."""
    with workspace.ledger.read() as db:
        alive = workers.live(db)
    if alive:
        yield None
        return
    output.say("No worker is running, so one runs for as long as this command.")
    child = Child(worker_service(workspace))
    processes.start_all([child], lambda _: None, Event())
    try:
        yield child
    finally:
        child.stop()


def until_final(workspace: Workspace, job_id: str, output: Output) -> Job:
    """Show the progress of a job until it ends, with a worker of our own if there is none.

    Raises PairwrightError when it failed or was cancelled, typer.Exit after Ctrl-C.
    """
    own: Child | None = None
    try:
        with a_worker(workspace, output) as own, metering(output) as meter:
            job = wait_for(workspace, job_id, own, meter)
    except KeyboardInterrupt:
        _say_detached(workspace, job_id, own, output)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    return require_success(job)


def wait_for(workspace: Workspace, job_id: str, own: Child | None, meter: Meter) -> Job:
    """The job when it has ended. Raises PairwrightError when `own`, the worker, ends before."""
    while True:
        with workspace.ledger.read() as db:
            job = jobs.get(db, job_id)
            is_served = own is not None or workers.live(db) > 0
        if job.state.is_final:
            return job
        if own is not None and own.exit_code is not None:
            raise own.death()
        show_progress(job, meter, is_served)
        time.sleep(_LOOK_EVERY)


def require_success(job: Job) -> Job:
    """The job again. Raises PairwrightError when it failed or was cancelled."""
    if job.state is JobState.SUCCEEDED:
        return job
    reason = f": {job.error}" if job.error else "."
    raise PairwrightError(
        f"Job {job.id} {job.state}{reason}", f"Its log: pairwright job logs {job.id}"
    )


def show_progress(job: Job, meter: Meter, is_served: bool = True) -> None:
    """One look at a job on a meter; `is_served` says whether any worker is alive."""
    name = f"{job.kind} {job.id}"
    if not is_served:
        meter.update(f"{name} waits: no worker is running. Start one: pairwright worker", 0, 0)
        return
    progress: dict[str, Any] = dict(job.progress)
    phase = progress.get("phase", "starting") if job.state is JobState.RUNNING else str(job.state)
    meter.update(
        f"{name}: {phase}",
        float(progress.get("step") or 0),
        float(progress.get("steps") or 0),
        progress.get("eta_seconds"),
    )


def _say_detached(workspace: Workspace, job_id: str, own: Child | None, output: Output) -> None:
    with workspace.ledger.read() as db:
        goes_on = workers.live(db) > 0 and own is None
    output.say(
        f"Job {job_id} goes on in the background."
        if goes_on
        else f"Job {job_id} waits: no worker is running. It goes on with: pairwright worker"
    )
    output.say(f"Follow it: pairwright job logs {job_id} --follow")
    output.say(f"Cancel it: pairwright job cancel {job_id}")


def log_of(workspace: Workspace, job_id: str) -> Path:
    """The runner's log of a job; it may not exist yet."""
    return workspace.jobs_folder / job_id / "log.txt"
