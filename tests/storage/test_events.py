"""Events of a runner go into the ledger once, from the attempt that holds the job."""

from __future__ import annotations

import pytest

from storage import events, jobs
from storage.errors import StaleFenceError
from storage.ledger import Ledger
from storage.rows import Job, JobEvent


def _claimed(ledger: Ledger, lease_seconds: float = 60) -> Job:
    with ledger.write() as tx:
        jobs.submit(tx, kind="train", spec={}, key="key")
        job = jobs.claim(tx, worker="one", lease_seconds=lease_seconds)
    assert job is not None
    return job


def _lines(job: Job, *sequences: int, kind: str = "metric") -> list[JobEvent]:
    return [
        JobEvent(job.id, job.attempt, number, kind, {"step": number, "values": {"loss": 0.5}}, 7)
        for number in sequences
    ]


def test_a_tail_sent_again_adds_only_what_is_new(ledger: Ledger) -> None:
    job = _claimed(ledger)
    with ledger.write() as tx:
        assert events.append(tx, job.id, job.fence, job.attempt, _lines(job, 1, 2)) == 2
        assert events.append(tx, job.id, job.fence, job.attempt, _lines(job, 2, 3, 3)) == 1
        assert events.append(tx, job.id, job.fence, job.attempt, []) == 0
    with ledger.read() as db:
        assert events.listed(db, job.id) == _lines(job, 1, 2, 3)


def test_events_are_filtered_by_kind_and_place(ledger: Ledger) -> None:
    first = _claimed(ledger, lease_seconds=0)
    with ledger.write() as tx:
        events.append(tx, first.id, first.fence, first.attempt, _lines(first, 1, 2))
        second = jobs.claim(tx, worker="two")
        assert second is not None
        notes = _lines(second, 1, kind="note")
        rows = [*notes, *_lines(second, 2)]
        events.append(tx, second.id, second.fence, second.attempt, rows)
    with ledger.read() as db:
        assert events.listed(db, first.id, kind="note") == notes
        assert events.listed(db, first.id, after=(1, 1)) == [*_lines(first, 2), *rows]
        assert events.listed(db, first.id, after=(2, 1)) == _lines(second, 2)
        assert events.listed(db, first.id, after=(2, 2)) == []


def test_events_of_a_lost_attempt_are_refused(ledger: Ledger) -> None:
    job = _claimed(ledger, lease_seconds=0)
    with ledger.write() as tx:
        jobs.claim(tx, worker="two")
    with pytest.raises(StaleFenceError), ledger.write() as tx:
        events.append(tx, job.id, job.fence, job.attempt, _lines(job, 1))
    with ledger.read() as db:
        assert events.listed(db, job.id) == []
