"""What happens at an annotator's desk: pairs are offered, votes and undos are recorded.

Plain functions over storage; the routes call them with a seat that was authorised in the same
transaction.
"""

from __future__ import annotations

import secrets

from labeling import refusals, rubrics, sides
from labeling.access import Seat
from labeling.wire import ReportRequest, VoteRequest
from storage import assignments, checks, clock, qualifications, reports, votes
from storage.ledger import Connection
from storage.rows import Assignment, AssignmentKind

LEASE_MICROS = 15 * 60 * clock.SECOND
# a lease is written again when it is this much shorter than it could be
_RENEW_MICROS = 60 * clock.SECOND
# the pair on the screen and the one that is loaded ahead
ON_THE_DESK = 2
# pairs that a browser gets in all, to go on without a network
STOCK = 12
_MS = 1000


def fill(tx: Connection, seat: Seat, secret: bytes) -> list[Assignment]:
    """Offer pairs until two are on the desk or none is left, and hold those longer; return what is
    open then, by sequence. In a qualification round there is one, and the next comes after it.

    `secret` is the workspace's own; it says where gold pairs and repeats come.
    """
    until = seat.now + LEASE_MICROS
    round_ = qualifications.standing(tx, seat.batch, seat.annotator_id)
    if round_ is not None and round_.keeps_out:
        qualifications.offer(tx, seat.batch, _blank(seat, until))
        return []
    on_desk = assignments.open_for(tx, seat.batch.id, seat.annotator_id, seat.now)
    for held in on_desk[:ON_THE_DESK]:
        if held.leased_until < until - _RENEW_MICROS:
            assignments.renew(tx, held.id, until)
    for _ in range(min(ON_THE_DESK, room(tx, seat)) - len(on_desk)):
        offered = _offer(tx, seat, secret, until)
        if offered is None:
            break
        on_desk.append(offered)
    return on_desk


def stock(tx: Connection, seat: Seat, secret: bytes) -> None:
    """Offer pairs beyond those on the desk, for a browser to go on without a network; a round has
    none. They are not held: until they come to the desk, others may be offered them too.

    What is offered keeps its order, on the screen too, so a pair that becomes contested meanwhile
    comes after those. How many there are says nothing of checks: a repeat that cannot be offered
    yet comes with a later call.
    """
    open_ = fill(tx, seat, secret)
    round_ = qualifications.standing(tx, seat.batch, seat.annotator_id)
    if round_ is not None and round_.keeps_out:
        return
    for _ in range(min(STOCK, room(tx, seat)) - len(open_)):
        if _offer(tx, seat, secret, seat.now) is None:
            return


def room(db: Connection, seat: Seat) -> int:
    """Pairs that the link's quota still leaves to this annotator."""
    if seat.link.quota is None:
        return assignments.MOST
    return room_after(seat, assignments.done(db, seat.batch.id, seat.annotator_id))


def room_after(seat: Seat, done: int) -> int:
    """As `room`, for somebody who has answered `done` pairs."""
    return assignments.MOST if seat.link.quota is None else max(0, seat.link.quota - done)


def _offer(tx: Connection, seat: Seat, secret: bytes, until: int) -> Assignment | None:
    offer = _blank(seat, until)
    return checks.offer_due(tx, seat.batch, offer, secret) or assignments.offer_next(
        tx,
        batch_id=offer.batch_id,
        annotator_id=offer.annotator_id,
        new_id=offer.id,
        left=offer.left,
        now=offer.offered_at,
        leased_until=offer.leased_until,
    )


def _blank(seat: Seat, until: int) -> Assignment:
    """A normal assignment of this annotator with drawn sides, and no pair yet."""
    return Assignment(
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


def record(tx: Connection, seat: Seat, request: VoteRequest) -> bool:
    """Record a vote or an undo; True when this event was recorded before.

    Raises:
        RefusedError: 404 when the assignment is not this annotator's, 400 for a choice, rating or
            failure that the batch does not offer, 409 for an undo of anything but the last vote
            and for a vote beyond the link's quota.
        ConflictError: the pair has a vote already, or has none to undo.
    """
    assignment = own(tx, seat, request.assignment)
    event_id = str(request.event)
    if votes.is_recorded(tx, event_id, assignment.id):
        return True
    if request.kind == "undo":
        _check_last(tx, seat, assignment)
    _check_offered(seat, request)
    if request.kind == "vote" and seat.link.quota is not None and not room(tx, seat):
        raise refusals.quota_met(seat.link.quota)
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
        guidelines_version=request.guidelines_version,
        received_at=seat.now,
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
    if (request.guidelines_version or 0) > seat.batch.guidelines_version:
        raise refusals.not_asked(f"guidelines_version {request.guidelines_version}")
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
