"""Decisions of leads: kept with their reason, reversible, and the pair rests meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from storage import adjudications, annotators, assignments, batches, clock, votes
from storage.assignments import Progress
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.ledger import Connection, Ledger
from storage.rows import AssignmentKind, Batch, Verdict


@pytest.fixture
def batch(ledger: Ledger, make_pair: Callable[..., Any]) -> Batch:
    """Two pairs, one vote wanted, two when contested."""
    with ledger.write() as tx:
        made = batches.create(tx, "hard", review_limit=2)
        for number in range(2):
            batches.add_pair(tx, made.id, make_pair(tx, f"Question {number}?").id)
    return made


def _judge(tx: Connection, batch: Batch, who: str, verdict: str) -> str:
    """The pair that was offered and judged."""
    person = annotators.get_or_create(tx, who)
    now = clock.now(tx)
    offered = assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=person.id,
        new_id=f"{who} {now} {verdict}",
        left="b",
        now=now,
        leased_until=now,
    )
    assert offered is not None
    votes.append(
        tx,
        event_id=offered.id,
        assignment_id=offered.id,
        kind="vote",
        verdict=Verdict(verdict),
        shown_at=1,
        decided_at=2,
        active_ms=1,
    )
    return offered.pair_id


@pytest.fixture
def disputed(ledger: Ledger, batch: Batch) -> str:
    """The pair on which Ada and Ben disagree."""
    with ledger.write() as tx:
        pair_id = _judge(tx, batch, "Ada", "a")
        # a settled pair is offered to nobody, so the other one comes next
        other = _judge(tx, batch, "Ada", "tie")
        assert _judge(tx, batch, "Ben", "b") == other != pair_id
    return other


def _decide(tx: Connection, batch: Batch, pair_id: str, **other: Any) -> Any:
    given: dict[str, Any] = {"lead": "Lea", "outcome": Verdict.B, "reason": "the cup is red"}
    return adjudications.decide(tx, batch_id=batch.id, pair_id=pair_id, **{**given, **other})


def test_a_pair_disputed_at_the_review_limit_waits_for_a_lead(
    ledger: Ledger, batch: Batch, disputed: str
) -> None:
    with ledger.read() as db:
        (waiting,) = adjudications.contested(db)
        assert adjudications.contested(db, batch.id) == [waiting]
        assert adjudications.contested(db, "nothing") == []
    assert (waiting.pair_id, waiting.votes, waiting.votes_a, waiting.votes_b) == (
        *(disputed, 2, 0, 1),
    )


def test_a_decision_is_kept_with_its_reason_and_takes_the_pair_off_the_queue(
    ledger: Ledger, batch: Batch, disputed: str
) -> None:
    with ledger.write() as tx:
        decision = _decide(tx, batch, disputed)
    assert (decision.annotator, decision.verdict, decision.kind) == (
        *("Lea", Verdict.B, AssignmentKind.ADJUDICATION),
    )
    with ledger.read() as db:
        assert adjudications.contested(db) == []
        assert adjudications.decided_pairs(db) == {(batch.id, disputed)}
        assert decision in votes.effective(db, batch.id)
        assert votes.events(db, disputed)[-1].note == "the cup is red"


def test_a_decision_can_be_changed_and_taken_back_and_the_log_keeps_both(
    ledger: Ledger, batch: Batch, disputed: str
) -> None:
    with ledger.write() as tx:
        _decide(tx, batch, disputed)
        _decide(tx, batch, disputed, outcome=Verdict.A, reason="I looked again")
        (stands,) = adjudications.effective(tx, batch.id, disputed)
        assert stands.verdict is Verdict.A
        _decide(tx, batch, disputed, lead="Kim", outcome=Verdict.TIE)
        assert len(adjudications.effective(tx, batch.id, disputed)) == 2
        taken_back = adjudications.withdraw(
            tx, batch_id=batch.id, pair_id=disputed, reason="wrong picture"
        )
        assert taken_back == 2
    with ledger.read() as db:
        assert adjudications.effective(db, batch.id, disputed) == []
        assert [one.pair_id for one in adjudications.contested(db)] == [disputed]
        kinds = [event.kind for event in votes.events(db, disputed)]
    assert (kinds.count("vote"), kinds.count("undo")) == (2 + 3, 3)
    with pytest.raises(ConflictError, match="No decision"), ledger.write() as tx:
        adjudications.withdraw(tx, batch_id=batch.id, pair_id=disputed, reason="again")


def test_a_decided_pair_is_offered_to_nobody_and_comes_back_when_it_is_withdrawn(
    ledger: Ledger, batch: Batch
) -> None:
    with ledger.write() as tx:
        pair_id = _judge(tx, batch, "Ada", "tie")
        _decide(tx, batch, pair_id)
        ben = annotators.get_or_create(tx, "Ben")
        assert assignments.progress(tx, batch.id, ben.id) == Progress(0, 0, 1)
        assert _judge(tx, batch, "Ben", "a") != pair_id
        adjudications.withdraw(tx, batch_id=batch.id, pair_id=pair_id, reason="too early")
        assert _judge(tx, batch, "Ben", "a") == pair_id


def test_a_decision_is_no_work_on_the_leads_own_desk(ledger: Ledger, batch: Batch) -> None:
    with ledger.write() as tx:
        pair_id = _judge(tx, batch, "Ada", "tie")
        _judge(tx, batch, "Lea", "a")
        before = assignments.progress(tx, batch.id, annotators.get_or_create(tx, "Lea").id)
        _decide(tx, batch, pair_id)
        lea = annotators.get_or_create(tx, "Lea").id
        assert assignments.progress(tx, batch.id, lea) == before
        last = assignments.last_answered(tx, batch.id, lea)
        assert last is not None
        assert last.kind is AssignmentKind.NORMAL


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"outcome": Verdict.SKIP}, WrongInputError),
        ({"reason": " "}, WrongInputError),
        ({"reason": "x" * 2001}, WrongInputError),
        ({"lead": ""}, WrongInputError),
        ({"pair_id": "nothing"}, NotFoundError),
    ],
)
def test_what_cannot_be_decided_is_refused(
    ledger: Ledger, batch: Batch, disputed: str, other: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error), ledger.write() as tx:
        _decide(tx, batch, **{"pair_id": disputed, **other})
    with ledger.read() as db:
        assert adjudications.decided_pairs(db) == set()
