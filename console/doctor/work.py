"""Checks of work in progress: jobs that nobody does, leases that ran out, workers that are gone."""

from __future__ import annotations

from collections.abc import Iterator

from console.doctor import findings
from console.doctor.findings import Finding
from storage import clock, jobs, workers
from storage.rows import JobState
from storage.workspace import Workspace

_START = "Start one: pairwright up, or pairwright worker"


def queue(opened: Workspace) -> Iterator[Finding]:
    """Jobs that wait without a worker, and jobs whose worker was not heard of."""
    with opened.ledger.read() as db:
        now, live = clock.now(db), workers.live(db)
        held = jobs.held(db)
        waiting = [job for job in jobs.listed(db, limit=10_000) if job.state is JobState.QUEUED]
    silent = [job for job in held if (job.lease_until or 0) <= now]
    for job in silent:
        what = f"Job {job.id} ({job.kind}) is {job.state}, but its worker was not heard of."
        step = "The next worker takes it up." if live else _START
        yield findings.warning("jobs", what, step)
    if waiting and not live:
        yield findings.warning("jobs", f"{len(waiting)} jobs wait and no worker runs.", _START)
    elif not silent:
        yield findings.ok("jobs", f"{len(held)} jobs run, {len(waiting)} wait.")


def attendance(opened: Workspace) -> Iterator[Finding]:
    """Workers, and those that ended without signing off."""
    with opened.ledger.read() as db:
        known, live = workers.listed(db), workers.live(db)
    said = f"{live} workers were heard of within 30 seconds"
    gone = len(known) - live
    if gone:
        yield findings.ok("workers", f"{said}; {gone} ended without signing off.")
    else:
        yield findings.ok("workers", f"{said}.")
