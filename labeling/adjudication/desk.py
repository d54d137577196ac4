"""What a lead does at the bench: decide, take back, dismiss reports, ask for names.

Plain functions over storage; the routes call them with a seat that was authorised in the same
transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from labeling import refusals
from labeling.adjudication.access import LeadSeat
from labeling.adjudication.wire import DecisionRequest, DismissalRequest
from storage import adjudications, batches, disputes, lead_log, votes
from storage.errors import ConflictError
from storage.lead_log import Circumstances
from storage.ledger import Connection
from storage.rows import Verdict

_OUTCOMES = {"left": Verdict.A, "right": Verdict.B, "tie": Verdict.TIE, "withdraw": Verdict.TIE}


@dataclass(frozen=True)
class Place:
    """A pair in a batch: what the wire calls an assignment of a lead."""

    batch_id: str
    pair_id: str

    @property
    def item(self) -> str:
        return f"{self.batch_id}-{self.pair_id}"


def open_to(db: Connection, seat: LeadSeat, item: str) -> Place:
    """The pair behind an item, if this lead may see it.

    Raises:
        RefusedError: 404 otherwise.
    """
    batch_id, _, pair_id = item.partition("-")
    if seat.batch_id not in (None, batch_id) or not batches.has_pair(db, batch_id, pair_id):
        raise refusals.not_yours()
    return Place(batch_id, pair_id)


def record(tx: Connection, seat: LeadSeat, request: DecisionRequest) -> bool:
    """Record a decision or an undo; True when this event was recorded before.

    Raises:
        RefusedError: 404 when the pair is not open to this lead.
        ConflictError: the pair does not wait any more, or the undo is not of the last decision.
    """
    place = open_to(tx, seat, request.assignment)
    event_id = str(request.event)
    if _is_known(tx, place, event_id):
        return True
    if request.kind == "undo":
        _take_back(tx, seat, place, event_id)
        return False
    _check_waiting(tx, place)
    assert request.choice is not None
    adjudications.decide(
        tx,
        batch_id=place.batch_id,
        pair_id=place.pair_id,
        lead=seat.lead.name,
        outcome=_OUTCOMES[request.choice],
        reason=request.note,
        circumstances=Circumstances(
            names_seen=lead_log.names_seen(tx, place.batch_id, place.pair_id, seat.lead.id),
            pair_withdrawn=request.choice == "withdraw",
        ),
        event_id=event_id,
    )
    return False


def dismiss(tx: Connection, seat: LeadSeat, request: DismissalRequest) -> bool:
    """Dismiss the reports on a pair; True when this event was recorded before.

    Raises:
        RefusedError: 404 when the pair is not open to this lead.
        ConflictError: no report is open on it.
    """
    place = open_to(tx, seat, request.assignment)
    event_id = str(request.event)
    if _is_known(tx, place, event_id):
        return True
    disputes.check_reported(tx, place.batch_id, place.pair_id)
    adjudications.dismiss_reports(
        tx,
        batch_id=place.batch_id,
        pair_id=place.pair_id,
        lead=seat.lead.name,
        event_id=event_id,
    )
    return False


def show_names(tx: Connection, seat: LeadSeat, item: str) -> None:
    """Record that the lead is shown who voted on a pair.

    Raises:
        RefusedError: 404 when the pair is not open to this lead.
    """
    place = open_to(tx, seat, item)
    adjudications.show_names(
        tx, batch_id=place.batch_id, pair_id=place.pair_id, lead=seat.lead.name
    )


def _take_back(tx: Connection, seat: LeadSeat, place: Place, event_id: str) -> None:
    last = lead_log.last_of(tx, seat.lead.id, seat.batch_id)
    if last is None or (last.batch_id, last.pair_id) != (place.batch_id, place.pair_id):
        raise ConflictError(
            "Another decision is the last one by now.", "Undo takes back the last one only."
        )
    adjudications.take_back(tx, last.id, event_id)


def _is_known(tx: Connection, place: Place, event_id: str) -> bool:
    return any(event.event_id == event_id for event in votes.events(tx, place.pair_id))


def _check_waiting(tx: Connection, place: Place) -> None:
    if not disputes.waiting(tx, place.batch_id, place.pair_id):
        raise ConflictError(
            "This pair does not wait for a lead any more: somebody decided it meanwhile.",
            "The console shows who, on the page Pairs.",
        )
