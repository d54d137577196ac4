"""What happens at an annotator's desk: pairs are offered, votes and undos are recorded.

Plain functions over storage; the routes call them with a seat that was authorised in the same
transaction.
"""

from __future__ import annotations

import secrets

from labeling import refusals, rubrics, sides
from labeling.access import Seat
from labeling.wire import ReportRequest, VoteRequest
from storage import assignments, checks, clock, reports, votes
from storage.ledger import Connection
from storage.rows import Assignment, AssignmentKind

LEASE_MICROS = 15 * 60 * clock.SECOND
# a lease is written again when it is this much shorter than it could be
_RENEW_MICROS = 60 * clock.SECOND
# the pair on the screen and the one that is loaded ahead
ON_THE_DESK = 2
_MS = 1000


def fill(tx: Connection, seat: Seat, secret: bytes) -> None:
    """Offer pairs until two are on the desk or none is left, and hold those longer.

    `secret` is the workspace's own; it says where gold pairs and repeats come.
    """
    on_desk = assignments.open_for(tx, seat.batch.id, seat.annotator_id)
    until = seat.now + LEASE_MICROS
    for held in on_desk[:ON_THE_DESK]:
        if held.leased_until < until - _RENEW_MICROS:
            assignments.renew(tx, held.id, until)
    for _ in range(ON_THE_DESK - len(on_desk)):
        if _offer(tx, seat, secret, until) is None:
            return


def _offer(tx: Connection, seat: Seat, secret: bytes, until: int) -> Assignment | None:
    offer = Assignment(
        id=secrets.token_hex(16),
        batch_id=seat.batch.id,
        pair_id="",
        annotator_id=seat.annotator_id,
        kind=AssignmentKind.NORMAL,
        left=sides.draw(),
        sequence=0,
        offered_at=seat.now,
        leased_until=until,
    )
    return checks.offer_due(tx, seat.batch, offer, secret) or assignments.offer_next(
        tx,
        batch_id=offer.batch_id,
        annotator_id=offer.annotator_id,
        new_id=offer.id,
        left=offer.left,
        now=offer.offered_at,
        leased_until=offer.leased_until,
    )


def record(tx: Connection, seat: Seat, request: VoteRequest) -> bool:
    """Record a vote or an undo; True when this event was recorded before.

    Raises:
        RefusedError: 404 when the assignment is not this annotator's, 400 for a choice, rating or
            failure that the batch does not offer, 409 for an undo of anything but the last vote.
        ConflictError: the pair has a vote already, or has none to undo.
    """
    assignment = own(tx, seat, request.assignment)
    event_id = str(request.event)
    if any(event.event_id == event_id for event in votes.events(tx, assignment.pair_id)):
        return True
    if request.kind == "undo":
        _check_last(tx, seat, assignment)
    _check_offered(seat, request)
    votes.append(
        tx,
        event_id=event_id,
        assignment_id=assignment.id,
        kind=request.kind,
        verdict=sides.verdict_of(assignment, request.choice) if request.choice else None,
        note=request.note,
        rubric=sides.rubric_of(assignment, request.rubric) if request.rubric else None,
        failures=request.failures or None,
        confidence=request.confidence,
        shown_at=request.shown_at * _MS,
        decided_at=request.decided_at * _MS,
        active_ms=request.active_ms,
    )
    return False


def report(tx: Connection, seat: Seat, request: ReportRequest) -> bool:
    """Record that something is wrong with a pair; True when this event was recorded before.

    Raises:
        RefusedError: 404 when the assignment is not this annotator's.
        ConflictError: the annotator has voted on the pair.
    """
    assignment = own(tx, seat, request.assignment)
    return not reports.append(
        tx,
        event_id=str(request.event),
        assignment_id=assignment.id,
        kind=request.kind,
        note=request.note,
    )


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


def _check_offered(seat: Seat, request: VoteRequest) -> None:
    if request.choice == "both_bad" and not seat.batch.both_bad:
        raise refusals.RefusedError(
            400, "This batch has no choice 'both bad'.", "Choose one of the others, or skip."
        )
    if request.confidence is not None and not seat.batch.confidence:
        raise refusals.not_asked("confidence")
    rubric = rubrics.of(seat.batch.rubric)
    criteria = {each.key for each in rubric.criteria} if rubric else set()
    for side in ("left", "right"):
        for key in getattr(request.rubric, side, ()):
            if key not in criteria:
                raise refusals.not_asked(f"rubric.{side}.{key}")
    kinds = {each.key for each in rubric.failure_kinds} if rubric else set()
    for kind in request.failures:
        if kind not in kinds:
            raise refusals.not_asked(f"failures.{kind}")


def _check_last(tx: Connection, seat: Seat, assignment: Assignment) -> None:
    last = assignments.last_answered(tx, seat.batch.id, seat.annotator_id)
    if last is None or last.id != assignment.id:
        raise refusals.RefusedError(
            409, "Another vote is the last one by now.", "Undo takes back the last vote only."
        )
