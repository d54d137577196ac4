"""Jobs: one holder at a time, and no word from those that lost their lease."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from storage import clock, jobs, tables
from storage.errors import NotFoundError, StaleFenceError, WrongInputError
from storage.ledger import Ledger
from storage.rows import Job, JobState

ENDS = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED]


def _submit(ledger: Ledger, key: str = "key", kind: str = "train", max_attempts: int = 3) -> Job:
    with ledger.write() as tx:
        return jobs.submit(
            tx, kind=kind, spec={"beta": 0.1, "name": "ä"}, key=key, max_attempts=max_attempts
        )


def _claim(ledger: Ledger, worker: str = "one", lease_seconds: float = 60) -> Job | None:
    with ledger.write() as tx:
        return jobs.claim(tx, worker=worker, lease_seconds=lease_seconds)


def _claimed(ledger: Ledger, worker: str = "one", lease_seconds: float = 60) -> Job:
    job = _claim(ledger, worker, lease_seconds)
    assert job is not None
    return job


def _get(ledger: Ledger, job_id: str) -> Job:
    with ledger.read() as db:
        return jobs.get(db, job_id)


def _outcomes(ledger: Ledger, job_id: str) -> list[tuple[int, str, str]]:
    with ledger.read() as db:
        return [(a.number, a.worker, a.outcome) for a in jobs.attempts(db, job_id)]


def test_a_submitted_job_waits_as_it_was_given(ledger: Ledger) -> None:
    job = _submit(ledger)
    assert _get(ledger, job.id) == job
    assert (job.state, job.spec) == (JobState.QUEUED, {"beta": 0.1, "name": "ä"})
    assert (job.fence, job.attempt, job.lease_owner) == (0, 0, None)


def test_the_same_key_again_is_the_same_job(ledger: Ledger) -> None:
    job = _submit(ledger)
    _claimed(ledger)
    assert _submit(ledger).id == job.id
    assert _submit(ledger).state is JobState.LEASED
    assert _submit(ledger, key="other").id != job.id


@pytest.mark.parametrize(("key", "max_attempts"), [("", 3), ("key", 0)])
def test_a_job_that_could_never_run_is_refused(ledger: Ledger, key: str, max_attempts: int) -> None:
    with pytest.raises(WrongInputError):
        _submit(ledger, key=key, max_attempts=max_attempts)


def test_the_oldest_job_goes_first_and_once_only(ledger: Ledger) -> None:
    submitted = [_submit(ledger, key=str(number)).id for number in range(5)]
    assert [_claimed(ledger).id for _ in submitted] == submitted
    assert _claim(ledger) is None


def test_a_worker_may_ask_for_some_kinds_only(ledger: Ledger) -> None:
    _submit(ledger, key="first", kind="train")
    wanted = _submit(ledger, key="second", kind="sample")
    with ledger.write() as tx:
        claimed = jobs.claim(tx, worker="one", kinds=["evaluate", "sample"])
        assert claimed is not None
        assert claimed.id == wanted.id
        assert jobs.claim(tx, worker="one", kinds=["evaluate", "sample"]) is None


def test_a_job_runs_from_lease_to_end(ledger: Ledger) -> None:
    _submit(ledger)
    job = _claimed(ledger)
    assert (job.state, job.fence, job.attempt, job.lease_owner) == (JobState.LEASED, 1, 1, "one")
    with ledger.write() as tx:
        assert jobs.mark_running(tx, job.id, 1, pid=4711).state is JobState.RUNNING
        renewed = jobs.renew(tx, job.id, 1, {"step": 3, "steps": 40})
        assert renewed.progress == {"step": 3, "steps": 40}
        assert (renewed.lease_until or 0) > (job.lease_until or 0)
    with ledger.write() as tx:
        ended = jobs.finish(tx, job.id, 1, JobState.SUCCEEDED, {"checkpoint": "c1"})
    assert ended == _get(ledger, job.id)
    assert (ended.state, ended.result) == (JobState.SUCCEEDED, {"checkpoint": "c1"})
    assert ended.lease_until is None
    assert ended.finished_at is not None
    with ledger.read() as db:
        (attempt,) = jobs.attempts(db, job.id)
    assert (attempt.pid, attempt.fence, attempt.outcome) == (4711, 1, "succeeded")


def test_a_failure_keeps_its_reason(ledger: Ledger) -> None:
    _submit(ledger)
    job = _claimed(ledger)
    with ledger.write() as tx:
        jobs.finish(tx, job.id, 1, JobState.FAILED, error="The picture is gone.")
    assert _get(ledger, job.id).error == "The picture is gone."
    assert _claim(ledger) is None


def test_an_expired_lease_is_claimed_with_the_next_fence(ledger: Ledger) -> None:
    submitted = _submit(ledger)
    _claimed(ledger, "one", lease_seconds=0)
    again = _claimed(ledger, "two")
    assert (again.id, again.fence, again.attempt) == (submitted.id, 2, 2)
    assert again.lease_owner == "two"
    assert _outcomes(ledger, again.id) == [(1, "one", "lost"), (2, "two", "")]


def test_a_renewed_lease_does_not_expire(ledger: Ledger) -> None:
    _submit(ledger)
    job = _claimed(ledger, lease_seconds=0)
    with ledger.write() as tx:
        jobs.renew(tx, job.id, job.fence, {}, lease_seconds=60)
    assert _claim(ledger, "two") is None


def test_a_lost_lease_is_judged_by_the_clock_of_the_database(ledger: Ledger) -> None:
    _submit(ledger)
    job = _claimed(ledger, lease_seconds=60)
    assert _claim(ledger, "two") is None
    with ledger.write() as tx:
        over = clock.now(tx) - 1
        tx.execute(tables.jobs.update().where(tables.jobs.c.id == job.id).values(lease_until=over))
    assert _claimed(ledger, "two").attempt == 2


def test_a_zombie_writes_nothing(ledger: Ledger) -> None:
    _submit(ledger)
    zombie = _claimed(ledger, "one", lease_seconds=0)
    holder = _claimed(ledger, "two")
    before = _get(ledger, holder.id)
    _assert_refused(ledger, zombie.id, zombie.fence)
    assert _get(ledger, holder.id) == before


@pytest.mark.parametrize("end", ENDS)
def test_an_ended_job_takes_no_more_writes(ledger: Ledger, end: JobState) -> None:
    _submit(ledger)
    job = _claimed(ledger)
    with ledger.write() as tx:
        ended = jobs.finish(tx, job.id, 1, end)
        assert jobs.request_cancel(tx, job.id) == ended
    _assert_refused(ledger, job.id, 1)
    assert _get(ledger, job.id) == ended
    assert _claim(ledger) is None


def test_a_released_job_goes_back_to_the_queue(ledger: Ledger) -> None:
    _submit(ledger)
    job = _claimed(ledger)
    with ledger.write() as tx:
        released = jobs.release(tx, job.id, 1, "The worker was stopped.")
    assert (released.state, released.lease_owner) == (JobState.QUEUED, None)
    # a queued job belongs to nobody, whatever the fence
    _assert_refused(ledger, job.id, 1)
    assert _claimed(ledger, "two").fence == 2


def test_an_attempt_that_ended_in_order_does_not_count(ledger: Ledger) -> None:
    job = _submit(ledger, max_attempts=1)
    for fence in (1, 2):
        _claimed(ledger)
        with ledger.write() as tx:
            released = jobs.release(tx, job.id, fence, "The worker was stopped.", counted=False)
        assert released.state is JobState.QUEUED
    assert _claimed(ledger).attempt == 3


def test_held_jobs_are_those_of_a_running_attempt(ledger: Ledger) -> None:
    waiting, ended, held = (_submit(ledger, key=key).id for key in "abc")
    for job_id in (waiting, ended, held):
        assert _claimed(ledger).id == job_id
    with ledger.write() as tx:
        jobs.release(tx, waiting, 1, "The worker was stopped.")
        jobs.finish(tx, ended, 1, JobState.SUCCEEDED)
        jobs.request_cancel(tx, held)
        assert [job.id for job in jobs.held(tx)] == [held]


@pytest.mark.parametrize("by_lease", [True, False])
def test_after_its_last_attempt_a_job_fails_with_the_reason(ledger: Ledger, by_lease: bool) -> None:
    job = _submit(ledger, max_attempts=2)
    for number in (1, 2):
        claimed = _claimed(ledger, f"worker {number}", lease_seconds=0)
        if not by_lease:
            with ledger.write() as tx:
                jobs.release(tx, job.id, claimed.fence, "The runner of worker 2 was killed.")
    assert _claim(ledger) is None
    failed = _get(ledger, job.id)
    assert failed.state is JobState.FAILED
    assert "2 attempts" in failed.error
    assert "worker 2" in failed.error
    assert [outcome for _, _, outcome in _outcomes(ledger, job.id)] == ["lost", "lost"]


def test_a_queued_job_is_cancelled_at_once(ledger: Ledger) -> None:
    job = _submit(ledger)
    with ledger.write() as tx:
        assert jobs.request_cancel(tx, job.id).state is JobState.CANCELLED
    assert _claim(ledger) is None


@pytest.mark.parametrize("running", [True, False])
def test_a_held_job_is_told_to_stop_and_then_is_cancelled(ledger: Ledger, running: bool) -> None:
    _submit(ledger)
    job = _claimed(ledger)
    with ledger.write() as tx:
        if running:
            jobs.mark_running(tx, job.id, 1, pid=1)
        assert jobs.request_cancel(tx, job.id).state is JobState.CANCELLING
        assert jobs.request_cancel(tx, job.id).state is JobState.CANCELLING
    with ledger.write() as tx:
        assert jobs.mark_running(tx, job.id, 1, pid=1).state is JobState.CANCELLING
        assert jobs.renew(tx, job.id, 1, {}).state is JobState.CANCELLING
        assert jobs.finish(tx, job.id, 1, JobState.CANCELLED).state is JobState.CANCELLED


@pytest.mark.parametrize("by_lease", [True, False])
def test_a_job_lost_while_being_cancelled_is_cancelled(ledger: Ledger, by_lease: bool) -> None:
    _submit(ledger)
    job = _claimed(ledger, lease_seconds=0)
    with ledger.write() as tx:
        jobs.request_cancel(tx, job.id)
        if not by_lease:
            jobs.release(tx, job.id, 1, "The worker was stopped.")
    assert _claim(ledger) is None
    assert _get(ledger, job.id).state is JobState.CANCELLED


def test_a_job_ends_in_a_final_state_only(ledger: Ledger) -> None:
    _submit(ledger)
    job = _claimed(ledger)
    with pytest.raises(WrongInputError, match="running"), ledger.write() as tx:
        jobs.finish(tx, job.id, 1, JobState.RUNNING)


def test_an_unknown_job_names_those_that_are(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="none yet"):
        _get(ledger, "nothing")
    job = _submit(ledger)
    for ask in (jobs.request_cancel, lambda tx, name: jobs.renew(tx, name, 1, {})):
        with pytest.raises(NotFoundError, match=job.id), ledger.write() as tx:
            ask(tx, "nothing")


def test_jobs_are_listed_newest_first(ledger: Ledger) -> None:
    train = [_submit(ledger, key=f"t{number}").id for number in range(3)]
    sample = _submit(ledger, key="s", kind="sample").id
    with ledger.read() as db:
        assert [job.id for job in jobs.listed(db)] == [sample, *reversed(train)]
        assert [job.id for job in jobs.listed(db, kind="train")] == train[::-1]
        assert [job.id for job in jobs.listed(db, limit=1)] == [sample]


def test_many_workers_never_hold_one_job_together(ledger: Ledger) -> None:
    submitted = {_submit(ledger, key=str(number)).id for number in range(40)}

    def work(name: str) -> list[str]:
        done: list[str] = []
        while (job := _claim(ledger, name)) is not None:
            with ledger.write() as tx:
                jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED)
            done.append(job.id)
        return done

    with ThreadPoolExecutor(8) as pool:
        done = Counter(job for jobs_of in pool.map(work, "abcdefgh") for job in jobs_of)
    assert done == Counter(submitted)


CLAIMER = """
import sys
from storage import jobs
from storage.ledger import Ledger
ledger = Ledger(sys.argv[1])
while True:
    with ledger.write() as tx:
        job = jobs.claim(tx, worker=sys.argv[2])
    if job is None:
        break
    print(job.id, flush=True)
ledger.close()
"""


def test_processes_never_hold_one_job_together(ledger: Ledger, ledger_url: str) -> None:
    submitted = {_submit(ledger, key=str(number)).id for number in range(30)}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMER, ledger_url, name], stdout=subprocess.PIPE, text=True
        )
        for name in "ab"
    ]
    claimed = Counter(line for child in children for line in child.communicate()[0].split())
    assert [child.returncode for child in children] == [0, 0]
    assert claimed == Counter(submitted)


def test_the_fence_of_a_job_only_grows(ledger: Ledger) -> None:
    job = _submit(ledger, max_attempts=5)
    fences = [_claimed(ledger, lease_seconds=0).fence for _ in range(5)]
    assert fences == [1, 2, 3, 4, 5]
    with ledger.read() as db:
        recorded = [attempt.fence for attempt in jobs.attempts(db, job.id)]
        assert db.execute(tables.jobs.select()).one().fence == 5
    assert recorded == fences


def _assert_refused(ledger: Ledger, job_id: str, fence: int) -> None:
    writes = (
        lambda tx: jobs.mark_running(tx, job_id, fence, pid=1),
        lambda tx: jobs.renew(tx, job_id, fence, {"step": 1}),
        lambda tx: jobs.finish(tx, job_id, fence, JobState.SUCCEEDED),
        lambda tx: jobs.release(tx, job_id, fence, "reason"),
    )
    for write in writes:
        with pytest.raises(StaleFenceError, match=job_id), ledger.write() as tx:
            write(tx)
