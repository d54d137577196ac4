"""What dead workers hold is given back at once where their death can be seen, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from storage import jobs, workers
from storage.rows import Job, JobState
from storage.workspace import Workspace
from training.jobs import worker


def test_only_jobs_of_dead_workers_of_this_machine_are_given_back(
    opened: Workspace, submit: Callable[..., Job]
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    holders = [("dead", gone.pid, "here"), ("alive", os.getpid(), "here"), ("far", 1, "there")]
    for name, pid, host in holders:
        submit()
        with opened.ledger.write() as tx:
            workers.beat(tx, name, pid, host)
            jobs.claim(tx, worker=name)
    assert worker.release_abandoned(opened, "here") == 1
    with opened.ledger.read() as db:
        states = {job.state for job in jobs.listed(db) if job.lease_owner is None}
        assert {job.lease_owner for job in jobs.held(db)} == {"alive", "far"}
        assert [one.id for one in workers.listed(db)] == ["alive", "far"]
    assert states == {JobState.QUEUED}
    assert worker.release_abandoned(opened, "here") == 0
