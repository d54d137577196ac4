"""Who is offered what: overlap is filled and never exceeded, and no pair comes twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from storage import annotators, assignments, batches, clock, tables, votes
from storage.assignments import Progress
from storage.errors import NotFoundError
from storage.ledger import Connection, Ledger
from storage.rows import Annotator, Assignment, AssignmentKind, Batch, Verdict

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


def _order(tx: Connection, batch: Batch) -> list[str]:
    within = tables.batch_pairs
    query = within.select().where(within.c.batch_id == batch.id).order_by(within.c.position)
    return [row.pair_id for row in tx.execute(query)]


@pytest.fixture
def batch(ledger: Ledger, make_batch: Callable[..., Batch]) -> Batch:
    with ledger.write() as tx:
        return make_batch(tx, pair_count=4, overlap=2)


def test_pairs_are_offered_in_the_order_of_the_batch(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        offered = [_offered(tx, batch, people[0]) for _ in range(4)]
        assert [one.pair_id for one in offered] == _order(tx, batch)
        assert [one.sequence for one in offered] == [1, 2, 3, 4]
        assert all(one.kind is AssignmentKind.NORMAL for one in offered)
        assert _offer(tx, batch, people[0]) is None
        assert assignments.get(tx, offered[2].id) == offered[2]
        assert assignments.get(tx, "nothing") is None


def test_a_pair_that_has_a_vote_comes_before_a_fresh_one(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        first, second = (_offered(tx, batch, people[0]) for _ in range(2))
        _vote(tx, second)
        assert _offered(tx, batch, people[1]).pair_id == second.pair_id
        assert _offered(tx, batch, people[1]).pair_id == first.pair_id


def test_running_leases_and_votes_fill_the_overlap(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        for person in people[:2]:
            for _ in range(4):
                assignment = _offered(tx, batch, person)
                if assignment.sequence % 2:
                    _vote(tx, assignment)
        assert _offer(tx, batch, people[2]) is None


def test_a_skip_gives_the_place_to_another_and_never_comes_back(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=1)
        skipped = _offered(tx, batch, people[0])
        assert _offer(tx, batch, people[1]) is None
        _vote(tx, skipped, Verdict.SKIP)
        assert _offer(tx, batch, people[0]) is None
        assert _offered(tx, batch, people[1]).pair_id == skipped.pair_id


def test_an_undone_vote_opens_the_pair_for_the_same_person(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=1)
        assignment = _offered(tx, batch, people[0])
        _vote(tx, assignment)
        assert assignments.open_for(tx, batch.id, people[0].id) == []
        _vote(tx, assignment, None)
        assert assignments.open_for(tx, batch.id, people[0].id) == [assignment]
        # the lease still runs, so the place is held for the next vote
        assert _offer(tx, batch, people[1]) is None


def test_what_is_open_comes_by_sequence(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        one, two, three = (_offered(tx, batch, people[0], lease=0) for _ in range(3))
        _vote(tx, two)
        _offered(tx, batch, people[1])
    with ledger.read() as db:
        assert assignments.open_for(db, batch.id, people[0].id) == [one, three]


def test_an_expired_pair_that_others_fill_is_not_open_any_more(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=1)
        slow = _offered(tx, batch, people[0], lease=0)
        assert assignments.open_for(tx, batch.id, people[0].id) == [slow]
        quick = _offered(tx, batch, people[1])
        assert assignments.open_for(tx, batch.id, people[0].id) == []
        until = clock.now(tx) + LEASE
        assert assignments.renew(tx, slow.id, until) == slow
        _vote(tx, quick, Verdict.SKIP)
        assert assignments.open_for(tx, batch.id, people[0].id) == [slow]
        assert assignments.renew(tx, slow.id, until).leased_until == until


def test_a_renewed_lease_holds_longer_and_never_shorter(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        assignment = _offered(tx, batch, people[0])
        longer = assignment.leased_until + LEASE
        assert assignments.renew(tx, assignment.id, longer).leased_until == longer
        assert assignments.renew(tx, assignment.id, longer - 1).leased_until == longer
        assert assignments.get(tx, assignment.id) == assignments.renew(tx, assignment.id, longer)


def test_the_last_answered_is_what_an_undo_takes_back(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        one, two = (_offered(tx, batch, people[0]) for _ in range(2))
    ada = (batch.id, people[0].id)
    steps: list[tuple[Assignment, Verdict | None, Assignment | None]] = [
        (two, Verdict.A, two),
        (one, Verdict.SKIP, one),
        (one, None, two),
        (two, None, None),
        (one, Verdict.B, one),
    ]
    for on, verdict, last in steps:
        with ledger.write() as tx:
            _later_than_the_last_vote(tx)
            _vote(tx, on, verdict)
            found = assignments.last_answered(tx, *ada)
        assert (found and found.id) == (last and last.id)


def _later_than_the_last_vote(tx: Connection) -> None:
    last = max((event.received_at for event in _all_events(tx)), default=0)
    while clock.now(tx) <= last:
        pass


def _all_events(tx: Connection) -> list[Any]:
    return list(tx.execute(tables.votes.select()))


def test_progress_counts_done_open_and_available(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    ada, ben, cleo = (person.id for person in people)
    with ledger.write() as tx:
        assert assignments.progress(tx, batch.id, ada) == Progress(0, 0, 4)
        first, second, _ = (_offered(tx, batch, people[0]) for _ in range(3))
        _vote(tx, first)
        _vote(tx, second, Verdict.SKIP)
        assert assignments.progress(tx, batch.id, ada) == Progress(2, 1, 1)
        assert assignments.progress(tx, batch.id, ben) == Progress(0, 0, 4)
        _vote(tx, _offered(tx, batch, people[1]))
        # the pair with two votes is full for the third person
        assert assignments.progress(tx, batch.id, cleo) == Progress(0, 0, 3)
        assert assignments.progress(tx, "nothing", ada) == Progress(0, 0, 0)


def test_a_larger_overlap_opens_a_finished_batch_again(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=2, overlap=1)
        for _ in range(2):
            _vote(tx, _offered(tx, batch, people[0]))
        assert _offer(tx, batch, people[1]) is None
        batches.update(tx, batch.id, overlap=2)
        assert _offer(tx, batch, people[1]) is not None


def test_batches_do_not_share_votes_or_places(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        other = batches.create(tx, "other", overlap=1)
        for pair_id in _order(tx, batch):
            batches.add_pair(tx, other.id, pair_id)
        for _ in range(4):
            _vote(tx, _offered(tx, batch, people[0]))
        assert assignments.progress(tx, other.id, people[0].id) == Progress(0, 0, 4)
        assert len(votes.effective(tx, other.id)) == 0


def test_what_does_not_exist_is_named(ledger: Ledger, people: list[Annotator]) -> None:
    with pytest.raises(NotFoundError, match="nothing"), ledger.write() as tx:
        assignments.offer_next(
            tx,
            batch_id="nothing",
            annotator_id=people[0].id,
            new_id="new",
            left="a",
            now=0,
            leased_until=1,
        )
    with pytest.raises(NotFoundError, match="nothing"), ledger.write() as tx:
        assignments.renew(tx, "nothing", 1)


ASKER = """
import sys, uuid
from storage import assignments, clock, votes
from storage.ledger import Ledger
from storage.rows import Verdict

url, batch, annotator = sys.argv[1:]
ledger = Ledger(url)
while True:
    with ledger.write() as tx:
        now = clock.now(tx)
        offered = assignments.offer_next(
            tx, batch_id=batch, annotator_id=annotator, new_id=uuid.uuid4().hex, left="a",
            now=now, leased_until=now + 300 * clock.SECOND)
    if offered is None:
        break
    if offered.sequence % 3:
        with ledger.write() as tx:
            votes.append(tx, event_id=uuid.uuid4().hex, assignment_id=offered.id, kind="vote",
                         verdict=Verdict.A, shown_at=1, decided_at=2, active_ms=3)
ledger.close()
"""


def _assert_overlap_kept(ledger: Ledger, batch: Batch, pair_count: int) -> None:
    table = tables.assignments
    with ledger.read() as db:
        rows = db.execute(table.select().where(table.c.batch_id == batch.id)).all()
    per_pair = Counter(row.pair_id for row in rows)
    assert set(per_pair.values()) == {batch.overlap}
    assert len(per_pair) == pair_count
    to_one_person = Counter((row.pair_id, row.annotator_id) for row in rows)
    assert set(to_one_person.values()) == {1}


def test_many_threads_never_exceed_the_overlap(
    ledger: Ledger, make_batch: Callable[..., Batch]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=60, overlap=2)
        people = [annotators.get_or_create(tx, f"Annotator {number}") for number in range(8)]

    def label(person: Annotator) -> None:
        for number in range(1000):
            with ledger.write() as tx:
                now = clock.now(tx)
                offered = assignments.offer_next(
                    tx,
                    batch_id=batch.id,
                    annotator_id=person.id,
                    new_id=f"{person.name} {number}",
                    left="a",
                    now=now,
                    leased_until=now + LEASE,
                )
            if offered is None:
                return
            with ledger.write() as tx:
                _vote(tx, offered)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(label, people))
    _assert_overlap_kept(ledger, batch, 60)


def test_processes_never_exceed_the_overlap(
    ledger: Ledger, ledger_url: str, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=20, overlap=2)
    children = [
        subprocess.Popen([sys.executable, "-c", ASKER, ledger_url, batch.id, person.id])
        for person in people
    ]
    assert [child.wait() for child in children] == [0, 0, 0]
    _assert_overlap_kept(ledger, batch, 20)


def test_an_undone_skip_takes_no_place_that_another_has_by_now(
    ledger: Ledger, make_batch: Callable[..., Batch], people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=1)
        skipped = _offered(tx, batch, people[0])
        _vote(tx, skipped, Verdict.SKIP)
        taken = _offered(tx, batch, people[1])
        _vote(tx, skipped, None)
        assert assignments.open_for(tx, batch.id, people[0].id) == []
        _vote(tx, taken, Verdict.SKIP)
        # free again, it is back with the person who took the skip back
        [back] = assignments.open_for(tx, batch.id, people[0].id)
        assert back.id == skipped.id
