"""Many pairs changed at once: only what changes is recorded, and an undo restores it exactly."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from storage import (
    adjudications,
    annotators,
    assignments,
    clock,
    disputes,
    exclusions,
    pair_actions,
    pair_tags,
    pairs,
    saved_views,
    tables,
    votes,
)
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.ledger import Connection, Ledger
from storage.pair_actions import ActionKind, PairAction
from storage.pair_filters import PairFilter
from storage.rows import Batch, Verdict

WHO = {"actor": "lea", "reason": "second look"}
STATE = (tables.batch_pairs, tables.pair_tags, tables.excluded_pairs)


@dataclass(frozen=True)
class Shelf:
    """A batch of five pairs, by position, in a ledger."""

    ledger: Ledger
    batch: Batch
    ids: list[str]

    def do(self, kind: str, places: range, value: str = "") -> PairAction:
        chosen = [self.ids[place] for place in places]
        with self.ledger.write() as tx:
            return pair_actions.apply(tx, ActionKind(kind), chosen, value=value, **WHO)

    def undo(self, number: int) -> PairAction:
        with self.ledger.write() as tx:
            return pair_actions.undo(tx, number, **WHO)

    def state(self) -> list[list[Any]]:
        with self.ledger.read() as db:
            return [sorted(map(tuple, db.execute(select(table)))) for table in STATE]

    def vote(self, who: str, verdict: str = "a") -> str | None:
        """Vote on what is offered next; the id of the pair."""
        with self.ledger.write() as tx:
            offered = offer(tx, self.batch, who)
            if offered is not None:
                cast(tx, offered.id, verdict)
            return None if offered is None else offered.pair_id


def offer(tx: Connection, batch: Batch, who: str) -> Any:
    now = clock.now(tx)
    return assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=annotators.get_or_create(tx, who).id,
        new_id=uuid.uuid4().hex,
        left="a",
        now=now,
        leased_until=now + clock.SECOND,
    )


def cast(tx: Connection, assignment_id: str, verdict: str) -> None:
    times = {"shown_at": 1, "decided_at": 2, "active_ms": 3}
    votes.append(
        tx,
        event_id=uuid.uuid4().hex,
        assignment_id=assignment_id,
        kind="vote",
        verdict=Verdict(verdict),
        **times,
    )


@pytest.fixture
def shelf(ledger: Ledger, make_batch: Callable[..., Batch]) -> Shelf:
    with ledger.write() as tx:
        batch = make_batch(tx, "first", pair_count=5, overlap=1)
        ids = [view.pair.id for view in pairs.page(tx, PairFilter(batch="first"), 9)]
    return Shelf(ledger, batch, ids)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("tag", "hard"), ("exclude", ""), ("overlap", "2"), ("adjudicate", "")],
)
def test_only_what_changes_is_recorded_and_an_undo_restores_it(
    kind: str, value: str, shelf: Shelf
) -> None:
    shelf.do(kind, range(2), value)
    before = shelf.state()
    second = shelf.do(kind, range(4), value)
    # more votes add up; all else is so already on the first two
    assert second.pairs == (4 if kind == "overlap" else 2)
    assert shelf.state() != before
    undone = shelf.undo(second.number)
    assert shelf.state() == before
    assert (undone.undoes, undone.actor, undone.reason) == (second.number, "lea", "second look")
    with shelf.ledger.read() as db:
        told = [(one.number, one.undone_by) for one in pair_actions.listed(db)]
        last = pair_actions.last(db)
        assert pair_actions.pair_ids(db, 1) == shelf.ids[:2]
    assert told == [(3, None), (2, 3), (1, None)]
    assert last is not None
    assert last.number == 1
    with pytest.raises(ConflictError, match="taken back by 3"):
        shelf.undo(second.number)
    with pytest.raises(ConflictError, match="took back action 2"):
        shelf.undo(undone.number)


@pytest.mark.parametrize(
    ("kind", "back", "value"), [("tag", "untag", "hard"), ("exclude", "readmit", "")]
)
def test_what_was_done_since_is_taken_back_first(
    kind: str, back: str, value: str, shelf: Shelf
) -> None:
    first = shelf.do(kind, range(3), value)
    before = shelf.state()
    second = shelf.do(back, range(2, 5), value)
    assert second.pairs == 1
    with pytest.raises(ConflictError, match="Action 2 changed 1 of these pairs since"):
        shelf.undo(first.number)
    shelf.undo(second.number)
    assert shelf.state() == before
    shelf.undo(first.number)
    assert shelf.state()[1:] == [[], []]


def test_votes_that_were_asked_for_stand_in_the_way_of_taking_that_back(shelf: Shelf) -> None:
    assert len({shelf.vote("ana") for _ in shelf.ids}) == len(shelf.ids)
    assert shelf.vote("ben") is None
    action = shelf.do("overlap", range(2), "1")
    assert {shelf.vote("ben"), shelf.vote("ben")} == set(shelf.ids[:2])
    assert shelf.vote("cleo") is None
    with pytest.raises(ConflictError, match="2 of these pairs got votes since"):
        shelf.undo(action.number)
    again = shelf.do("overlap", range(2, 4), "1")
    shelf.undo(again.number)
    assert shelf.vote("ben") is None


def test_pairs_sent_to_a_lead_wait_there_and_are_offered_to_nobody(shelf: Shelf) -> None:
    action = shelf.do("adjudicate", range(4))
    assert [shelf.vote("ana"), shelf.vote("ana")] == [shelf.ids[4], None]
    with shelf.ledger.write() as tx:
        queue = disputes.waiting(tx, shelf.batch.id)
        assert [(one.pair_id, one.referred, one.contested) for one in queue] == [
            (pair_id, True, False) for pair_id in shelf.ids[:4]
        ]
        decided = {"batch_id": shelf.batch.id, "pair_id": shelf.ids[0], "lead": "lea"}
        adjudications.decide(tx, **decided, outcome=Verdict.A, reason="clear")
        assert len(disputes.waiting(tx)) == disputes.count(tx) == 3
    with pytest.raises(ConflictError, match="Leads have decided 1 of these pairs since"):
        shelf.undo(action.number)
    with shelf.ledger.write() as tx:
        adjudications.withdraw(
            tx, batch_id=shelf.batch.id, pair_id=shelf.ids[0], reason="looked again"
        )
    shelf.undo(action.number)
    with shelf.ledger.read() as db:
        assert disputes.waiting(db) == []
    assert shelf.vote("ben") in shelf.ids


def test_no_vote_on_an_excluded_pair_counts_until_it_is_back(shelf: Shelf) -> None:
    for _ in shelf.ids:
        shelf.vote("ana")
    action = shelf.do("exclude", range(2))
    with shelf.ledger.read() as db:
        assert {vote.pair_id for vote in votes.effective(db)} == set(shelf.ids[2:])
        assert [len(votes.effective(db, pair_ids=[one])) for one in shelf.ids[1:3]] == [0, 1]
        (vote,) = votes.cast(db, pair_ids=shelf.ids[:1])
        left_out = exclusions.in_force(db)
        assert left_out.why(vote) == "second look"
        assert left_out.counted(votes.cast(db)) == {"ana": 2}
        assert pairs.count(db, PairFilter(left_out="yes")) == 2
        assert pairs.count(db, PairFilter(left_out="no", batch="first")) == 3
        assert [one.number for one in pair_actions.of_pair(db, shelf.ids[0])] == [action.number]
    shelf.undo(action.number)
    with shelf.ledger.read() as db:
        assert len(votes.effective(db)) == len(shelf.ids)


@pytest.mark.parametrize(
    ("kind", "value", "reason", "error"),
    [
        ("tag", " hard", "r", WrongInputError),
        ("tag", "x" * 51, "r", WrongInputError),
        ("overlap", "0", "r", WrongInputError),
        ("overlap", "many", "r", WrongInputError),
        ("exclude", "", " ", WrongInputError),
        ("adjudicate", "now", "r", WrongInputError),
        ("untag", "hard", "r", ConflictError),
        ("readmit", "", "r", ConflictError),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    kind: str, value: str, reason: str, error: type[Exception], shelf: Shelf
) -> None:
    before = shelf.state()
    with shelf.ledger.write() as tx, pytest.raises(error):
        pair_actions.apply(tx, ActionKind(kind), shelf.ids, value=value, actor="lea", reason=reason)
    assert shelf.state() == before
    with shelf.ledger.read() as db:
        assert pair_actions.listed(db) == []


def test_an_unknown_pair_or_action_is_named(shelf: Shelf) -> None:
    with shelf.ledger.read() as db, pytest.raises(NotFoundError, match="'gone'"):
        pairs.check_known(db, [shelf.ids[0], "gone"])
    with pytest.raises(NotFoundError, match="no action 7"):
        shelf.undo(7)


def test_tags_are_counted_and_found(shelf: Shelf) -> None:
    shelf.do("tag", range(2), "hard")
    shelf.do("tag", range(1, 2), "blurry")
    with shelf.ledger.read() as db:
        assert pair_tags.counts(db) == {"blurry": 1, "hard": 2}
        assert pair_tags.of_pairs(db, shelf.ids) == {
            shelf.ids[0]: ["hard"],
            shelf.ids[1]: ["blurry", "hard"],
        }
        found = pairs.page(db, PairFilter(tag="hard", batch="first"), 9)
    assert [view.pair.id for view in found] == shelf.ids[:2]


def test_a_search_has_one_name_until_it_is_renamed_or_forgotten(ledger: Ledger) -> None:
    with ledger.write() as tx:
        saved_views.save(tx, "ties", {"verdict": "tie"}, actor="lea")
        with pytest.raises(ConflictError):
            saved_views.save(tx, "ties", {}, actor="lea")
        saved_views.save(tx, "ties", {"verdict": "tie", "low": "0.5"}, actor="ben", replace=True)
        saved_views.save(tx, "all", {}, actor="lea")
        with pytest.raises(ConflictError):
            saved_views.rename(tx, "ties", "all")
        saved_views.rename(tx, "ties", "close")
        saved_views.delete(tx, "all")
        for missing in ("all", "ties"):
            with pytest.raises(NotFoundError, match="Saved views: close"):
                saved_views.get(tx, missing)
        (left,) = saved_views.listed(tx)
    assert (left.name, left.search, left.actor) == (
        *("close", {"verdict": "tie", "low": "0.5"}, "ben"),
    )
