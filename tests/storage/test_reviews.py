"""Contested pairs: reviewed first, by one annotator at a time, and never beyond the limit."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from storage import annotators, assignments, batches, clock, tables, votes
from storage.assignments import Progress
from storage.ledger import Connection, Ledger
from storage.rows import Annotator, Assignment, Batch, Verdict

LEASE = 300 * clock.SECOND


def _offer(
    tx: Connection, batch: Batch, annotator: Annotator, lease: int = LEASE
) -> Assignment | None:
    now = clock.now(tx)
    number = tx.execute(tables.assignments.select()).all()
    return assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=annotator.id,
        new_id=f"assignment {len(number)}",
        left="a",
        now=now,
        leased_until=now + lease,
    )


def _offered(tx: Connection, batch: Batch, annotator: Annotator, lease: int = LEASE) -> Assignment:
    assignment = _offer(tx, batch, annotator, lease)
    assert assignment is not None
    return assignment


def _vote(tx: Connection, assignment: Assignment, verdict: Verdict | None = Verdict.A) -> None:
    count = len(votes.events(tx, assignment.pair_id))
    votes.append(
        tx,
        event_id=f"{assignment.id} {count}",
        assignment_id=assignment.id,
        kind="undo" if verdict is None else "vote",
        verdict=verdict,
        shown_at=1,
        decided_at=2,
        active_ms=3,
    )


def test_pairs_too_close_to_call_are_the_next_offers_to_a_new_annotator(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    for overlap in (1, 2):
        with ledger.write() as tx:
            batch = make_batch(tx, f"overlap {overlap}", pair_count=100, overlap=overlap)
            first = [_offered(tx, batch, people[0]) for _ in range(80)]
            close = {one.pair_id for one in first[::8]}
            for one in first:
                _vote(tx, one, Verdict.TIE if one.pair_id in close else Verdict.A)
            offered = [_offered(tx, batch, people[1]) for _ in range(10)]
            assert {one.pair_id for one in offered} == close
            assert _offered(tx, batch, people[1]).pair_id not in close


def _judge(tx: Connection, batch: Batch, number: int, verdict: Verdict) -> bool:
    """Whether a further annotator got the batch's one pair, and voted."""
    offered = _offer(tx, batch, annotators.get_or_create(tx, f"Annotator {number}"))
    if offered is not None:
        _vote(tx, offered, verdict)
    return offered is not None


@pytest.mark.parametrize(
    ("overlap", "verdicts", "taken"),
    [
        (1, ["a", "a"], 1),
        (1, ["tie", "a", "a", "a"], 3),
        (1, ["tie", "tie", "tie", "tie", "tie", "tie"], 5),
        (2, ["a", "b", "a", "a"], 3),
        (2, ["a", "b", "both_bad", "b", "b", "b"], 5),
        (2, ["tie", "a", "b", "a", "b", "tie"], 5),
        (3, ["a", "tie", "a", "a"], 3),
        (6, ["a", "b", "a", "b", "a", "b", "a"], 6),
    ],
)
def test_a_contested_pair_gets_more_annotators_up_to_the_review_limit(
    ledger: Ledger,
    make_batch: Callable[..., Batch],
    overlap: int,
    verdicts: list[str],
    taken: int,
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=overlap)
        got = [_judge(tx, batch, n, Verdict(verdict)) for n, verdict in enumerate(verdicts)]
    assert got == [n < taken for n in range(len(verdicts))]


def test_a_place_for_a_review_is_held_by_one_annotator_at_a_time(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=1)
        _vote(tx, _offered(tx, batch, people[0]), Verdict.TIE)
        assert assignments.progress(tx, batch.id, people[0].id) == Progress(1, 0, 0)
        review = _offered(tx, batch, people[1])
        assert _offer(tx, batch, people[2]) is None
        assert assignments.progress(tx, batch.id, people[2].id) == Progress(0, 0, 0)
        # a skip uses up neither overlap nor review
        _vote(tx, review, Verdict.SKIP)
        assert _offered(tx, batch, people[2]).pair_id == review.pair_id


def test_an_undo_takes_the_wish_for_a_review_back(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=1)
        close = _offered(tx, batch, people[0])
        _vote(tx, close, Verdict.TIE)
        assert assignments.progress(tx, batch.id, people[1].id).available == 1
        _vote(tx, close, None)
        _vote(tx, close, Verdict.B)
        assert _offer(tx, batch, people[1]) is None


def test_a_review_limit_up_to_the_overlap_asks_for_no_reviews(
    ledger: Ledger, make_pair: Callable[..., Any], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = batches.create(tx, "no reviews", review_limit=0)
        batches.add_pair(tx, batch.id, make_pair(tx).id)
        _vote(tx, _offered(tx, batch, people[0]), Verdict.TIE)
        assert _offer(tx, batch, people[1]) is None


def test_many_threads_never_exceed_the_review_limit(
    ledger: Ledger, make_batch: Callable[..., Batch]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=12, overlap=2)
        people = [annotators.get_or_create(tx, f"Annotator {number}") for number in range(8)]

    def label(person: Annotator) -> None:
        for _ in range(30):
            with ledger.write() as tx:
                now = clock.now(tx)
                offered = assignments.offer_next(
                    tx,
                    batch_id=batch.id,
                    annotator_id=person.id,
                    new_id=uuid.uuid4().hex,
                    left="a",
                    now=now,
                    leased_until=now + LEASE,
                )
            if offered is not None:
                with ledger.write() as tx:
                    _vote(tx, offered, Verdict.TIE)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(label, people))
    # what was held by others while somebody asked in vain
    for person in people:
        label(person)
    with ledger.read() as db:
        rows = db.execute(tables.batch_pairs.select()).all()
        to_one_person = Counter((v.pair_id, v.annotator) for v in votes.effective(db, batch.id))
    assert [row.votes for row in rows] == [5] * 12
    assert set(to_one_person.values()) == {1}
