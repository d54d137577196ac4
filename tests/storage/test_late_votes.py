"""Votes without a place: kept, excluded at once, and never beyond the overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from storage import annotators, assignments, clock, exclusions, late_votes, tables, votes
from storage.ledger import Connection, Ledger
from storage.rows import Annotator, Assignment, Batch, Verdict

LEASE = 300 * clock.SECOND


def _offer(tx: Connection, batch: Batch, who: Annotator, lease: int = LEASE) -> Assignment | None:
    now = clock.now(tx)
    return assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=who.id,
        new_id=f"{who.name} {len(tx.execute(tables.assignments.select()).all())}",
        left="a",
        now=now,
        leased_until=now + lease,
    )


def _offered(tx: Connection, batch: Batch, who: Annotator, lease: int = LEASE) -> Assignment:
    assignment = _offer(tx, batch, who, lease)
    assert assignment is not None
    return assignment


def _vote(tx: Connection, assignment: Assignment, verdict: Verdict | None = Verdict.A) -> None:
    votes.append(
        tx,
        event_id=f"{assignment.id} {len(votes.events(tx, assignment.pair_id))}",
        assignment_id=assignment.id,
        kind="undo" if verdict is None else "vote",
        verdict=verdict,
        **{"shown_at": 1, "decided_at": 2, "active_ms": 3},
    )


def test_an_expired_lease_gives_the_place_back_and_its_late_vote_is_kept_without_counting(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=1)
        slow = _offered(tx, batch, people[0], lease=0)
        quick = _offered(tx, batch, people[1])
        # the place is held for Ben, though he has not voted yet
        _vote(tx, slow, Verdict.B)
        _vote(tx, quick, Verdict.A)
        assert [vote.annotator for vote in votes.effective(tx)] == ["Ben"]
        assert {vote.annotator for vote in votes.cast(tx)} == {"Ada", "Ben"}
        [left_out] = exclusions.in_force(tx).standing
        assert (left_out.annotator, left_out.actor) == ("Ada", late_votes.ACTOR)
        # one vote for each answer would have asked for a review
        assert _offer(tx, batch, people[2]) is None


def test_a_late_vote_counts_while_the_pair_wants_one(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=1)
        slow = [_offered(tx, batch, person, lease=0) for person in people[:2]]
        _vote(tx, slow[0], Verdict.TIE)
        # too close to call: one more is wanted, and no more after that
        _vote(tx, slow[1], Verdict.A)
        assert len(votes.effective(tx)) == 2
        assert exclusions.in_force(tx).standing == ()


def test_a_late_vote_may_count_after_it_was_taken_back(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=1)
        slow, quick = _offered(tx, batch, people[0], lease=0), _offered(tx, batch, people[1])
        _vote(tx, quick)
        _vote(tx, slow)
        # a lead may let it count beyond the overlap; the undo is of that vote all the same
        exclusions.readmit_votes(tx, [slow.id], actor="lead", reason="a second opinion")
        assert len(votes.effective(tx)) == 2
        _vote(tx, slow, None)
        assert [row.votes for row in tx.execute(tables.batch_pairs.select())] == [1]
        _vote(tx, quick, None)
        _vote(tx, quick, Verdict.SKIP)
        _vote(tx, slow, Verdict.B)
        assert [vote.verdict for vote in votes.effective(tx) if vote.annotator == "Ada"] == ["b"]
        assert [row.votes for row in tx.execute(tables.batch_pairs.select())] == [1]
        assert not late_votes.is_left_out(tx, slow.id)


def test_late_votes_at_the_same_time_take_one_place(
    ledger: Ledger, make_batch: Callable[..., Batch]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=8, overlap=1)
        people = [annotators.get_or_create(tx, f"Annotator {number}") for number in range(4)]
        offered = [[_offered(tx, batch, person, lease=0) for _ in range(8)] for person in people]

    def send(mine: list[Assignment]) -> None:
        for one in mine:
            with ledger.write() as tx:
                _vote(tx, one)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, offered))
    with ledger.read() as db:
        assert len(votes.cast(db)) == 32
        assert Counter(Counter(vote.pair_id for vote in votes.effective(db)).values()) == {1: 8}
