"""A runner that hangs alive is killed, its attempt is lost, and the job is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from storage import jobs
from storage.rows import Attempt, Job, JobState
from storage.workspace import Workspace
from training.jobs import local_runner
from training.jobs.folder import JobFolder
from training.jobs.lease import Pace
from training.jobs.stall import StallWatch

# longer than a runner takes to start on a busy machine
PATIENT = Pace(lease=60, renew=0.2, unreachable=45, look=0.05, grace=1, idle=0.02, stall=8.0)


def _seen(opened: Workspace, job: Job) -> tuple[Job, list[Attempt]]:
    with opened.ledger.read() as db:
        return jobs.get(db, job.id), jobs.attempts(db, job.id)


@pytest.mark.slow
def test_a_hanging_runner_is_killed_and_the_next_attempt_succeeds(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit(hang=1)
    work(pace=PATIENT)
    done, tries = _seen(opened, job)
    assert done.state is JobState.SUCCEEDED
    assert [attempt.outcome for attempt in tries] == ["lost", "succeeded"]
    assert "no event, no line of its log and no checkpoint" in tries[0].reason
    assert not local_runner.is_alive(tries[0].pid)


def test_a_runner_that_always_hangs_is_given_up_with_the_reason(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit(hang=99)
    work(pace=replace(PATIENT, stall=0.5))
    done, tries = _seen(opened, job)
    assert (done.state, len(tries)) == (JobState.FAILED, job.max_attempts)
    assert done.error.startswith(f"Given up after {job.max_attempts} attempts. The runner hung")


@pytest.mark.slow
def test_a_slow_runner_that_leaves_traces_is_left_alone(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    # four steps, each shorter than the limit, together longer than it
    job = submit(steps=4, pause=3)
    work(pace=PATIENT)
    done, tries = _seen(opened, job)
    assert (done.state, len(tries)) == (JobState.SUCCEEDED, 1)


def test_every_kind_of_trace_counts_as_a_sign_of_life(opened: Workspace) -> None:
    folder = JobFolder(opened.jobs_folder / "j")
    folder.checkpoints.mkdir(parents=True)
    watch = StallWatch(folder, limit=0.0)
    for path in (
        folder.events_file,
        folder.log_file,
        folder.samples_file,
        folder.checkpoints / "step-1.partial",
    ):
        assert "hung" in watch.verdict()
        path.write_text("x", encoding="utf-8")
        patient = StallWatch(folder, limit=60.0)
        path.write_text("xy", encoding="utf-8")
        before = patient._changed_at
        assert patient.verdict() == ""
        assert patient._changed_at > before
