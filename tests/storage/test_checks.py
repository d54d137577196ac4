"""Gold pairs and repeats: at their rates, with swapped sides, and counted from the start."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import annotators, assignments, batches, checks, clock, gold, labels, tables, votes
from storage.ledger import Connection, Ledger
from storage.rows import Assignment, AssignmentKind, Batch, ImportedLabel, Verdict

SECRET = b"nobody knows"
NORMAL, GOLD, REPEAT = AssignmentKind.NORMAL, AssignmentKind.GOLD, AssignmentKind.REPEAT
_numbers = itertools.count()


class Desk:
    """One annotator who works through a batch, one pair at a time."""

    def __init__(self, tx: Connection, batch: Batch, who: str) -> None:
        self.tx, self.batch = tx, batch
        self.annotator = annotators.get_or_create(tx, who)

    def offer(self) -> Assignment | None:
        now = clock.now(self.tx)
        blank = Assignment(
            id=f"assignment {next(_numbers)}",
            batch_id=self.batch.id,
            pair_id="",
            annotator_id=self.annotator.id,
            kind=NORMAL,
            left="a",
            sequence=0,
            offered_at=now,
            leased_until=now + clock.SECOND * 900,
        )
        return checks.offer_due(self.tx, self.batch, blank, SECRET) or assignments.offer_next(
            self.tx,
            batch_id=self.batch.id,
            annotator_id=self.annotator.id,
            new_id=blank.id,
            left="a",
            now=now,
            leased_until=blank.leased_until,
        )

    def vote(self, assignment: Assignment, verdict: str) -> None:
        votes.append(
            self.tx,
            event_id=f"event {next(_numbers)}",
            assignment_id=assignment.id,
            kind="vote",
            verdict=Verdict(verdict),
            shown_at=1,
            decided_at=2,
            active_ms=1,
        )

    def total(self) -> int:
        """What the annotator sees as the number of pairs."""
        progress = assignments.progress(self.tx, self.batch.id, self.annotator.id)
        left = checks.left(self.tx, self.batch, self.annotator.id, progress, SECRET)
        return progress.done + progress.open + progress.available + left

    def work(self, verdict: str = "a") -> tuple[list[Assignment], set[int]]:
        """Everything offered until nothing is left, and every total on the way."""
        had, totals = [], {self.total()}
        while offered := self.offer():
            totals.add(self.total())
            self.vote(offered, verdict)
            totals.add(self.total())
            had.append(offered)
        return had, totals


MakeChecked = Callable[..., Batch]


@pytest.fixture
def make_checked(make_pair: Callable[..., Any]) -> MakeChecked:
    """`make_checked(tx, normal=40, golden=8, gold_rate=0.1)`: a batch with gold pairs."""

    def make(tx: Connection, normal: int = 40, golden: int = 8, **settings: Any) -> Batch:
        batch = batches.create(tx, f"checked {next(_numbers)}", **settings)
        for number in range(normal + golden):
            pair = make_pair(tx, f"Question {number} of {batch.name}?")
            batches.add_pair(tx, batch.id, pair.id)
            if number < golden:
                label = ImportedLabel(pair.id, "b", "facts", batch.id, "f.jsonl", number, "r")
                labels.add(tx, label)
        assert gold.mark(tx, batch.id, "facts").gold == golden
        return batch

    return make


@pytest.mark.parametrize(
    ("settings", "gold_had", "repeats"),
    [
        ({}, 0, 0),
        ({"gold_rate": 0.1}, 4, 0),
        ({"gold_rate": 0.5}, 8, 0),
        ({"repeat_rate": 0.2}, 0, 7),
        ({"gold_rate": 0.1, "repeat_rate": 0.2}, 4, 7),
    ],
)
def test_checks_come_at_their_rates_and_the_total_never_moves(
    ledger: Ledger,
    make_checked: MakeChecked,
    settings: dict[str, float],
    gold_had: int,
    repeats: int,
) -> None:
    with ledger.write() as tx:
        batch = make_checked(tx, **settings)
        had, totals = Desk(tx, batch, "Ada").work()
        kinds = [one.kind for one in had]
        assert (kinds.count(NORMAL), kinds.count(GOLD), kinds.count(REPEAT)) == (
            *(40, gold_had, repeats),
        )
        assert totals == {len(had)}


def test_a_repeat_shows_an_earlier_pair_with_the_sides_swapped(
    ledger: Ledger, make_checked: MakeChecked
) -> None:
    with ledger.write() as tx:
        had, _ = Desk(tx, make_checked(tx, repeat_rate=0.5), "Ada").work()
    first = {one.pair_id: one for one in had if one.kind is NORMAL}
    repeats = [one for one in had if one.kind is REPEAT]
    assert len({one.pair_id for one in repeats}) == len(repeats) > 10
    for one in repeats:
        assert one.left != first[one.pair_id].left
        assert one.sequence - first[one.pair_id].sequence >= checks.SHORTEST_DISTANCE


def test_checks_take_no_place_and_no_vote_of_a_pair(
    ledger: Ledger, make_checked: MakeChecked
) -> None:
    with ledger.write() as tx:
        batch = make_checked(tx, gold_rate=0.2, repeat_rate=0.2, overlap=2)
        for who in ("Ada", "Ben", "Cleo"):
            Desk(tx, batch, who).work()
        rows = tx.execute(tables.batch_pairs.select()).all()
        counted = [vote.kind for vote in votes.effective(tx, batch.id)]
    assert {row.votes for row in rows if row.gold is None} == {2}
    assert {row.votes for row in rows if row.gold is not None} == {0}
    assert REPEAT not in counted
    assert counted.count(NORMAL) == 80


def test_where_checks_come_differs_between_annotators_and_secrets() -> None:
    def places(secret: bytes, name: str) -> list[int]:
        counts = [checks.due(n, 0.1, secret, name) for n in range(200)]
        return [n for n in range(1, 200) if counts[n] > counts[n - 1]]

    drawn = [places(b"one", "Ada"), places(b"one", "Ben"), places(b"two", "Ada")]
    assert drawn == [places(b"one", "Ada"), places(b"one", "Ben"), places(b"two", "Ada")]
    assert len({tuple(each) for each in drawn}) == 3


@given(rate=st.floats(0, 0.5), name=st.text(max_size=5), most=st.integers(1, 300))
def test_checks_due_never_become_fewer_and_keep_to_the_rate(
    rate: float, name: str, most: int
) -> None:
    counts = [checks.due(n, rate, SECRET, name) for n in range(most)]
    assert counts == sorted(counts)
    assert all(abs(count - n * rate) <= 1 for n, count in enumerate(counts))


def test_skipped_pairs_are_not_repeated_and_the_end_is_reached(
    ledger: Ledger, make_checked: MakeChecked
) -> None:
    with ledger.write() as tx:
        desk = Desk(tx, make_checked(tx, normal=20, golden=0, repeat_rate=0.5), "Ada")
        had, _ = desk.work("skip")
        assert {one.kind for one in had} == {NORMAL}
        assert desk.total() == 20


def test_gold_pairs_are_taken_from_one_sided_labels_of_the_wanted_categories(
    ledger: Ledger, make_pair: Callable[..., Any]
) -> None:
    with ledger.write() as tx:
        batch = batches.create(tx, "first")
        for number, (winners, category) in enumerate(
            [("a", "counting"), ("b", "counting"), ("ab", "counting"), ("a", "style"), ("", "x")]
        ):
            pair = make_pair(tx, f"Question {number}?", category=category)
            batches.add_pair(tx, batch.id, pair.id)
            for winner in winners:
                label = ImportedLabel(pair.id, winner, "facts", batch.id, "f.jsonl", number, "r")
                labels.add(tx, label)
        assert gold.mark(tx, batch.id, "facts", ["counting"]) == gold.Marked(2, 1, 1)
        assert sorted(gold.winners(tx, batch.id).values()) == ["a", "b"]
        ada = annotators.get_or_create(tx, "Ada")
        assert assignments.progress(tx, batch.id, ada.id).available == 3
        assert gold.mark(tx, batch.id, "nobody") == gold.Marked(0, 0, 0)
        assert assignments.progress(tx, batch.id, ada.id).available == 5
