"""What happens at an annotator's desk: pairs are offered, votes and undos are recorded.

Plain functions over storage; the routes call them with a seat that was authorised in the same
transaction.
"""

from __future__ import annotations

import secrets

from labeling import refusals, sides
from labeling.access import Seat
from labeling.wire import VoteRequest
from storage import assignments, clock, votes
from storage.ledger import Connection
from storage.rows import Assignment

LEASE_MICROS = 15 * 60 * clock.SECOND
# a lease is written again when it is this much shorter than it could be
_RENEW_MICROS = 60 * clock.SECOND
# the pair on the screen and the one that is loaded ahead
ON_THE_DESK = 2
_MS = 1000


def fill(tx: Connection, seat: Seat) -> None:
    """Offer pairs until two are on the desk or none is left, and hold those longer."""
    on_desk = assignments.open_for(tx, seat.batch.id, seat.annotator_id)
    until = seat.now + LEASE_MICROS
    for held in on_desk[:ON_THE_DESK]:
        if held.leased_until < until - _RENEW_MICROS:
            assignments.renew(tx, held.id, until)
    for _ in range(ON_THE_DESK - len(on_desk)):
        offered = assignments.offer_next(
            tx,
            batch_id=seat.batch.id,
            annotator_id=seat.annotator_id,
            new_id=secrets.token_hex(16),
            left=sides.draw(),
            now=seat.now,
            leased_until=until,
        )
        if offered is None:
            return


def record(tx: Connection, seat: Seat, request: VoteRequest) -> bool:
    """Record a vote or an undo; True when this event was recorded before.

    Raises:
        RefusedError: 404 when the assignment is not this annotator's, 400 for a choice that the
            batch does not offer, 409 for an undo of anything but the last vote.
        ConflictError: the pair has a vote already, or has none to undo.
    """
    assignment = own(tx, seat, request.assignment)
    event_id = str(request.event)
    if any(event.event_id == event_id for event in votes.events(tx, assignment.pair_id)):
        return True
    if request.kind == "undo":
        _check_last(tx, seat, assignment)
    if request.choice == "both_bad" and not seat.batch.both_bad:
        raise refusals.RefusedError(
            400, "This batch has no choice 'both bad'.", "Choose one of the others, or skip."
        )
    votes.append(
        tx,
        event_id=event_id,
        assignment_id=assignment.id,
        kind=request.kind,
        verdict=sides.verdict_of(assignment, request.choice) if request.choice else None,
        note="",
        rubric=None,
        shown_at=request.shown_at * _MS,
        decided_at=request.decided_at * _MS,
        active_ms=request.active_ms,
    )
    return False


def hold(tx: Connection, seat: Seat, assignment_id: str) -> None:
    """The pair is still being looked at: hold it for another 15 minutes.

    Raises:
        RefusedError: 404 when the assignment is not this annotator's.
    """
    assignments.renew(tx, own(tx, seat, assignment_id).id, seat.now + LEASE_MICROS)


def own(db: Connection, seat: Seat, assignment_id: str) -> Assignment:
    """The assignment, if it is this annotator's in this link's batch.

    Raises:
        RefusedError: 404 otherwise.
    """
    found = assignments.get(db, assignment_id)
    if found is None or found.annotator_id != seat.annotator_id or found.batch_id != seat.batch.id:
        raise refusals.not_yours()
    return found


def _check_last(tx: Connection, seat: Seat, assignment: Assignment) -> None:
    last = assignments.last_answered(tx, seat.batch.id, seat.annotator_id)
    if last is None or last.id != assignment.id:
        raise refusals.RefusedError(
            409, "Another vote is the last one by now.", "Undo takes back the last vote only."
        )
