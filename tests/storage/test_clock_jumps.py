"""A clock that jumps: votes keep their order, the queue its turn, and no job runs twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.engine import Connection

from storage import annotators, assignments, clock, jobs, votes
from storage.errors import StaleFenceError
from storage.rows import Batch, JobState, Verdict
from storage.workspace import Workspace

HOUR = 3600 * clock.SECOND


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """`jump(-HOUR)` sets the database's clock back by one hour from its true time."""
    true_now, shift = clock.now, [0]

    def shifted(db: Connection) -> int:
        return true_now(db) + shift[0]

    monkeypatch.setattr(clock, "now", shifted)

    def by(micros: int) -> None:
        shift[0] = micros

    return by


def test_the_last_vote_counts_although_the_clock_was_set_back(
    workspace: Workspace, make_batch: Callable[..., Batch], jump: Callable[[int], None]
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, pair_count=1)
        ada = annotators.get_or_create(tx, "ada")
        offered = assignments.offer_next(
            tx,
            batch_id=batch.id,
            annotator_id=ada.id,
            new_id="one",
            left="a",
            now=clock.now(tx),
            leased_until=clock.now(tx) + HOUR,
        )
        assert offered is not None

    def post(event: str, kind: str, verdict: Verdict | None) -> None:
        with workspace.ledger.write() as tx:
            votes.append(
                tx,
                event_id=event,
                assignment_id="one",
                kind=kind,
                verdict=verdict,
                shown_at=1,
                decided_at=2,
                active_ms=1,
            )

    post("e1", "vote", Verdict.A)
    jump(-2 * HOUR)
    post("e2", "undo", None)
    jump(-4 * HOUR)
    post("e3", "vote", Verdict.B)
    with workspace.ledger.read() as db:
        [vote] = votes.effective(db)
        told = {event.sequence: event.event_id for event in votes.events(db, vote.pair_id)}
    assert vote.verdict is Verdict.B
    assert told == {1: "e1", 2: "e2", 3: "e3"}


def test_a_clock_set_forward_loses_a_lease_but_never_runs_a_job_twice(
    workspace: Workspace, jump: Callable[[int], None]
) -> None:
    with workspace.ledger.write() as tx:
        jobs.submit(tx, kind="train", spec={}, key="k")
        first = jobs.claim(tx, worker="one")
    jump(HOUR)
    with workspace.ledger.write() as tx:
        second = jobs.claim(tx, worker="two")
        assert first is not None
        assert second is not None
        assert (second.id, second.fence) == (first.id, first.fence + 1)
        with pytest.raises(StaleFenceError):
            jobs.renew(tx, first.id, first.fence, {})
        with pytest.raises(StaleFenceError):
            jobs.finish(tx, first.id, first.fence, JobState.SUCCEEDED)
    jump(0)
    with workspace.ledger.write() as tx:
        # back again: the lease of the second lies far ahead, and only the second holds it
        assert jobs.claim(tx, worker="three") is None
        assert jobs.finish(tx, second.id, second.fence, JobState.SUCCEEDED).state.is_final


def test_a_clock_set_back_takes_no_lease_away_and_keeps_the_queue_in_order(
    workspace: Workspace, jump: Callable[[int], None]
) -> None:
    with workspace.ledger.write() as tx:
        held = jobs.submit(tx, kind="train", spec={}, key="held")
        assert jobs.claim(tx, worker="one", lease_seconds=60)
        early = jobs.submit(tx, kind="train", spec={}, key="early")
    jump(-2 * HOUR)
    with workspace.ledger.write() as tx:
        late = jobs.submit(tx, kind="train", spec={}, key="late")
        claimed = [jobs.claim(tx, worker="two"), jobs.claim(tx, worker="two")]
        assert [job.id for job in claimed if job] == [early.id, late.id]
        assert jobs.claim(tx, worker="two") is None
        # a renewal goes by the clock as it is now
        renewed = jobs.renew(tx, held.id, 1, {}, lease_seconds=60)
    assert renewed.lease_until is not None
    assert held.created_at - renewed.lease_until > HOUR
