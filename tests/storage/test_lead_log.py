"""What leads do beside deciding: dismissed reports and shown names, kept in the same log."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from storage import adjudications, annotators, assignments, batches, clock, disputes, lead_log
from storage import reports as report_rows
from storage.ledger import Connection, Ledger
from storage.rows import Batch, Verdict


@pytest.fixture
def place(ledger: Ledger, make_pair: Callable[..., Any]) -> dict[str, str]:
    """The only pair of a batch; Ada reported it. What Lea does is done there."""
    with ledger.write() as tx:
        batch = batches.create(tx, "odd", overlap=2)
        pair = make_pair(tx)
        batches.add_pair(tx, batch.id, pair.id)
        _report(tx, batch, "Ada")
    return {"batch_id": batch.id, "pair_id": pair.id, "lead": "Lea"}


def _report(tx: Connection, batch: Batch, who: str) -> None:
    now = clock.now(tx)
    offered = assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=annotators.get_or_create(tx, who).id,
        new_id=uuid.uuid4().hex,
        left="a",
        now=now,
        leased_until=now,
    )
    assert offered is not None
    report_rows.append(
        tx, event_id=uuid.uuid4().hex, assignment_id=offered.id, kind="other", note=who
    )


def _dismiss(tx: Connection, place: dict[str, str]) -> None:
    adjudications.dismiss_reports(tx, **place, event_id=uuid.uuid4().hex)


def _undo(tx: Connection, place: dict[str, str]) -> None:
    lead = annotators.get_or_create(tx, place["lead"])
    last = lead_log.last_of(tx, lead.id, place["batch_id"])
    assert last is not None
    adjudications.take_back(tx, last.id, uuid.uuid4().hex)


def _waits(db: Connection) -> bool:
    return bool(disputes.waiting(db))


def test_a_dismissal_outlives_a_decision_that_is_taken_back(
    ledger: Ledger, place: dict[str, str]
) -> None:
    with ledger.write() as tx:
        assert _waits(tx)
        _dismiss(tx, place)
        assert not _waits(tx)
        adjudications.decide(tx, **place, outcome=Verdict.A, reason="clear")
        _undo(tx, place)
        assert lead_log.decisions(tx, place["pair_id"]) == []
        assert not _waits(tx)


def test_a_dismissal_that_is_taken_back_lets_the_report_wait_again(
    ledger: Ledger, place: dict[str, str]
) -> None:
    with ledger.write() as tx:
        _dismiss(tx, place)
        _undo(tx, place)
        assert _waits(tx)
        assert lead_log.dismissals(tx) == {}
        _dismiss(tx, place)
        assert list(lead_log.dismissals(tx)) == [(place["batch_id"], place["pair_id"])]


def test_shown_names_settle_nothing_and_are_remembered_for_that_lead(
    ledger: Ledger, place: dict[str, str]
) -> None:
    with ledger.write() as tx:
        lea, kim = (annotators.get_or_create(tx, name).id for name in ("Lea", "Kim"))
        adjudications.show_names(tx, **place)
        adjudications.show_names(tx, **place)
        seen = [
            lead_log.names_seen(tx, place["batch_id"], place["pair_id"], who) for who in (lea, kim)
        ]
        assert seen == [True, False]
        assert _waits(tx)
        assert lead_log.last_of(tx, lea) is None
        assert lead_log.count_decided(tx, lea) == 0
        assert adjudications.effective(tx, place["batch_id"], place["pair_id"]) == []


def test_a_decision_by_command_does_not_claim_what_the_lead_had_seen(
    ledger: Ledger, place: dict[str, str]
) -> None:
    with ledger.write() as tx:
        adjudications.decide(tx, **place, outcome=Verdict.B, reason="clear")
        (decision,) = lead_log.decisions(tx, place["pair_id"])
    assert (decision.lead, decision.reason, decision.circumstances) == ("Lea", "clear", None)
