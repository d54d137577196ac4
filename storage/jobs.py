"""Jobs: units of background work, one attempt at a time.

queued -> leased -> running -> succeeded | failed | cancelled, with cancelling on the way. The row
holds the lease, by the database's clock, and a fence that grows with every attempt. A worker that
lost its lease is an old fence, and what it writes is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import NotFoundError, StaleFenceError, WrongInputError
from storage.inserts import add_if_absent
from storage.rows import Attempt, Job, JobState, Json

LEASE_SECONDS = 60
LOST = "lost"
_HELD = (JobState.LEASED, JobState.RUNNING, JobState.CANCELLING)
_NAMED_IN_AN_ERROR = 5
_jobs = tables.jobs
_attempts = tables.attempts


def submit(tx: Connection, *, kind: str, spec: Json, key: str, max_attempts: int = 3) -> Job:
    """Queue a job; the same key again returns the job that has it.

    Args:
        kind: `train`, `evaluate`, `sample`, `judge` or `publish`.
        spec: the settings of that kind.
        key: idempotency key, unique.
        max_attempts: 1 or more tries before a lost job counts as failed.

    Raises:
        WrongInputError: key is empty or max_attempts is less than 1.
    """
    if not key or max_attempts < 1:
        raise WrongInputError(
            f"A job with key {key!r} and {max_attempts} attempts cannot be queued.",
            "Give a key and at least one attempt.",
        )
    # the clock is exact to the millisecond only; the queue is first come, first served
    last = tx.execute(select(func.max(_jobs.c.created_at))).scalar() or 0
    job = Job(
        id=secrets.token_hex(6),
        kind=kind,
        state=JobState.QUEUED,
        spec=spec,
        key=key,
        fence=0,
        attempt=0,
        max_attempts=max_attempts,
        lease_owner=None,
        lease_until=None,
        progress={},
        result=None,
        error="",
        created_at=max(clock.now(tx), last + 1),
        started_at=None,
        finished_at=None,
    )
    add_if_absent(tx, _jobs, vars(job))
    return _job(tx.execute(select(_jobs).where(_jobs.c.key == key)).one())


def claim(
    tx: Connection,
    *,
    worker: str,
    lease_seconds: float = LEASE_SECONDS,
    kinds: Sequence[str] | None = None,
) -> Job | None:
    """Take the oldest queued job, or None. Jobs whose lease expired are queued again first.

    A lost job that was being cancelled becomes cancelled; one that used up its attempts fails.

    Args:
        worker: id of this start of the worker.
        lease_seconds: how long the job is held without a renewal.
        kinds: only jobs of these kinds.
    """
    _requeue_lost(tx)
    query = select(_jobs).where(_jobs.c.state == JobState.QUEUED)
    if kinds is not None:
        query = query.where(_jobs.c.kind.in_(kinds))
    oldest = query.order_by(_jobs.c.created_at, _jobs.c.id).limit(1)
    # two workers on PostgreSQL never see the same row; SQLite has one writer anyway
    row = tx.execute(oldest.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    job, now = _job(row), clock.now(tx)
    claimed = replace(
        job,
        state=JobState.LEASED,
        fence=job.fence + 1,
        attempt=job.attempt + 1,
        lease_owner=worker,
        lease_until=now + round(lease_seconds * clock.SECOND),
        progress={},
        started_at=job.started_at or now,
    )
    _store(tx, claimed)
    attempt = Attempt(job.id, claimed.attempt, claimed.fence, worker, 0, now, None, "", "")
    tx.execute(_attempts.insert().values(vars(attempt)))
    return claimed


def hold(tx: Connection, job_id: str, fence: int) -> Job:
    """The job, locked for this transaction, when the attempt with this fence still has it.

    Raises:
        NotFoundError: there is no such job.
        StaleFenceError: another attempt has it, or it has ended.
    """
    row = tx.execute(select(_jobs).where(_jobs.c.id == job_id).with_for_update()).one_or_none()
    if row is None:
        raise _no_job(tx, job_id)
    job = _job(row)
    if job.fence != fence or job.state not in _HELD:
        raise StaleFenceError(
            f"Attempt with fence {fence} no longer holds job {job_id}: it is {job.state.value} "
            f"with fence {job.fence}.",
            "Stop the runner of that attempt; what it wrote since is not used.",
        )
    return job


def mark_running(tx: Connection, job_id: str, fence: int, pid: int) -> Job:
    """Note that the runner of this attempt was started as process `pid`.

    Raises:
        StaleFenceError: the attempt no longer holds the job.
    """
    job = hold(tx, job_id, fence)
    if job.state is JobState.LEASED:
        job = replace(job, state=JobState.RUNNING)
        _store(tx, job)
    this = (_attempts.c.job_id == job_id, _attempts.c.number == job.attempt)
    tx.execute(_attempts.update().where(*this).values(pid=pid))
    return job


def renew(
    tx: Connection,
    job_id: str,
    fence: int,
    progress: Json,
    lease_seconds: float = LEASE_SECONDS,
) -> Job:
    """Hold the job longer and store its progress; the state returned may say `cancelling`.

    Raises:
        StaleFenceError: the attempt no longer holds the job; its runner must be killed.
    """
    job = hold(tx, job_id, fence)
    until = clock.now(tx) + round(lease_seconds * clock.SECOND)
    renewed = replace(job, progress=progress, lease_until=until)
    _store(tx, renewed)
    return renewed


def request_cancel(tx: Connection, job_id: str) -> Job:
    """Ask for the end of a job: at once when queued, else its worker sees `cancelling`.

    A job that has ended stays as it is.

    Raises:
        NotFoundError: there is no such job.
    """
    row = tx.execute(select(_jobs).where(_jobs.c.id == job_id).with_for_update()).one_or_none()
    if row is None:
        raise _no_job(tx, job_id)
    job = _job(row)
    if job.state is JobState.QUEUED:
        return _end(tx, job, JobState.CANCELLED, error="Cancelled before it started.")
    if job.state in (JobState.LEASED, JobState.RUNNING):
        job = replace(job, state=JobState.CANCELLING)
        _store(tx, job)
    return job


def finish(
    tx: Connection,
    job_id: str,
    fence: int,
    state: JobState,
    result: Json | None = None,
    error: str = "",
) -> Job:
    """End a job as succeeded, failed or cancelled.

    Raises:
        WrongInputError: the state is not a final one.
        StaleFenceError: the attempt no longer holds the job.
    """
    if not state.is_final:
        raise WrongInputError(f"A job cannot end as {state.value}.", "Give a final state.")
    job = hold(tx, job_id, fence)
    _end_attempt(tx, job, state.value, error)
    return _end(tx, job, state, result, error)


def release(tx: Connection, job_id: str, fence: int, reason: str, *, counted: bool = True) -> Job:
    """Give up an attempt: back to the queue, or failed when it was the last one.

    Args:
        counted: False when the attempt ended in order (its worker was stopped) and one more is due.

    Raises:
        StaleFenceError: the attempt no longer holds the job.
    """
    job = hold(tx, job_id, fence)
    return _lose(tx, job if counted else replace(job, max_attempts=job.max_attempts + 1), reason)


def get(db: Connection, job_id: str) -> Job:
    """The job with this id.

    Raises:
        NotFoundError: there is none; the message names the newest.
    """
    row = db.execute(select(_jobs).where(_jobs.c.id == job_id)).one_or_none()
    if row is None:
        raise _no_job(db, job_id)
    return _job(row)


def listed(db: Connection, kind: str | None = None, limit: int = 200) -> list[Job]:
    """Jobs, newest first."""
    query = select(_jobs).order_by(_jobs.c.created_at.desc(), _jobs.c.id).limit(limit)
    if kind is not None:
        query = query.where(_jobs.c.kind == kind)
    return [_job(row) for row in db.execute(query)]


def held(db: Connection) -> list[Job]:
    """Jobs that an attempt holds: leased, running or cancelling, oldest first."""
    query = select(_jobs).where(_jobs.c.state.in_(_HELD)).order_by(_jobs.c.created_at, _jobs.c.id)
    return [_job(row) for row in db.execute(query)]


def attempts(db: Connection, job_id: str) -> list[Attempt]:
    """The tries at a job, first to last."""
    query = select(_attempts).where(_attempts.c.job_id == job_id).order_by(_attempts.c.number)
    return [Attempt(**row._mapping) for row in db.execute(query)]


def _requeue_lost(tx: Connection) -> None:
    expired = select(_jobs).where(_jobs.c.state.in_(_HELD), _jobs.c.lease_until <= clock.now(tx))
    for row in tx.execute(expired.with_for_update(skip_locked=True)).all():
        job = _job(row)
        _lose(tx, job, f"Worker {job.lease_owner} was not heard of until its lease expired.")


def _lose(tx: Connection, job: Job, reason: str) -> Job:
    _end_attempt(tx, job, LOST, reason)
    if job.state is JobState.CANCELLING:
        return _end(tx, job, JobState.CANCELLED, error=reason)
    if job.attempt >= job.max_attempts:
        tries = "1 attempt" if job.attempt == 1 else f"{job.attempt} attempts"
        return _end(tx, job, JobState.FAILED, error=f"Given up after {tries}. {reason}")
    queued = replace(job, state=JobState.QUEUED, lease_owner=None, lease_until=None, error=reason)
    _store(tx, queued)
    return queued


def _end(
    tx: Connection, job: Job, state: JobState, result: Json | None = None, error: str = ""
) -> Job:
    ended = replace(
        job,
        state=state,
        lease_owner=None,
        lease_until=None,
        result=result,
        error=error,
        finished_at=clock.now(tx),
    )
    _store(tx, ended)
    return ended


def _end_attempt(tx: Connection, job: Job, outcome: str, reason: str) -> None:
    this = (_attempts.c.job_id == job.id, _attempts.c.number == job.attempt)
    ended = {"ended_at": clock.now(tx), "outcome": outcome, "reason": reason}
    tx.execute(_attempts.update().where(*this).values(ended))


def _store(tx: Connection, job: Job) -> None:
    tx.execute(_jobs.update().where(_jobs.c.id == job.id).values(vars(job)))


def _no_job(db: Connection, job_id: str) -> NotFoundError:
    newest = ", ".join(job.id for job in listed(db, limit=_NAMED_IN_AN_ERROR)) or "none yet"
    return NotFoundError(f"No job has the id {job_id[:80]!r}.", f"The newest jobs: {newest}.")


def _job(row: Any) -> Job:
    values = dict(row._mapping)
    return Job(**{**values, "state": JobState(values["state"])})
