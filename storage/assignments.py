"""Assignments: which pair of a batch is offered to whom, under a lease.

A pair takes as many votes as the batch's overlap says, and more while it is contested (see
`storage.standing`). A running lease holds a place for the vote that it may bring; a skip or an
expired lease gives the place back. A pair is assigned to a person once, so a skipped pair never
comes back to the same person. Gold pairs and repeats take no places (see `storage.checks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import assignment_queries as queries
from storage import clock, had_groups
from storage.errors import NotFoundError
from storage.rows import Assignment, AssignmentKind

# how long others may still judge what they do not hold any more
SPARED_MICROS = 15 * 60 * clock.SECOND
# more than any batch has
MOST = 2**62
_FIELDS = tuple(field.name for field in fields(Assignment))
_KINDS = {kind.value: kind for kind in AssignmentKind}
# in one statement, so that the numbers fit each other
_COUNTS = select(
    queries.DONE.scalar_subquery(),
    had_groups.FREE.scalar_subquery() - queries.FULL_BY_LEASES.scalar_subquery(),
)


@dataclass(frozen=True)
class Progress:
    """How far one annotator is in one batch, in pairs.

    Attributes:
        done: answered, skips included.
        open: offered and not answered.
        available: may still be offered to this annotator now.
    """

    done: int
    open: int
    available: int


def offer_next(
    tx: Connection,
    *,
    batch_id: str,
    annotator_id: str,
    new_id: str,
    left: str,
    now: int,
    leased_until: int,
) -> Assignment | None:
    """Assign the next pair of a batch to an annotator, or return None when there is none.

    Contested pairs come first, then those with the most votes, so that overlap is finished before
    new pairs begin; then the batch's own order counts, among the first ones of the same urgency.
    What others were offered lately and may still judge, a dead network at hand or a lease just run
    out, is left to them while there is anything else: their late vote would count for nothing.

    Args:
        new_id: id of the assignment to make.
        left: `a` or `b`, the canonical response to show on the left.
        now: microseconds by `clock.now`; leases that ended before are over.
        leased_until: microseconds until which the pair is held.

    Raises:
        NotFoundError: there is no such batch.
    """
    mine = {"batch": batch_id, "annotator": annotator_id}
    lock_batch(tx, batch_id)
    spared = {**mine, "now": now - SPARED_MICROS}
    pair_id = _next_pair(tx, spared) or _next_pair(tx, {**mine, "now": now})
    if pair_id is None:
        return None
    return assign(
        tx,
        Assignment(
            id=new_id,
            batch_id=batch_id,
            pair_id=pair_id,
            annotator_id=annotator_id,
            kind=AssignmentKind.NORMAL,
            left=left,
            sequence=0,
            offered_at=now,
            leased_until=leased_until,
        ),
    )


def assign(tx: Connection, assignment: Assignment) -> Assignment:
    """Record an assignment with the annotator's next sequence number; the batch must be locked."""
    had_groups.note_assigned(tx, assignment.batch_id, assignment.pair_id, assignment.annotator_id)
    mine = {"batch": assignment.batch_id, "annotator": assignment.annotator_id}
    sequence = tx.execute(queries.INSERT, {**vars(assignment), **mine}).scalar_one()
    return replace(assignment, sequence=sequence)


def open_for(
    db: Connection, batch_id: str, annotator_id: str, now: int | None = None
) -> list[Assignment]:
    """What this annotator was offered and has not answered, by sequence.

    Left out while others fill the pair's overlap after the lease expired. `now` is what `clock.now`
    said in this transaction, where that is known already.
    """
    now = clock.now(db) if now is None else now
    mine = {"batch": batch_id, "annotator": annotator_id, "now": now}
    found = [_assignment(row) for row in db.execute(queries.OPEN, mine)]
    return sorted(found, key=lambda assignment: assignment.sequence)


def get(db: Connection, assignment_id: str) -> Assignment | None:
    """The assignment with this id, or None."""
    row = db.execute(queries.ONE, {"assignment": assignment_id}).one_or_none()
    return None if row is None else _assignment(row)


def renew(tx: Connection, assignment_id: str, leased_until: int) -> Assignment:
    """Hold the pair longer; a lease never becomes shorter.

    When the lease expired and others fill the pair's overlap by now, it stays expired: compare
    `leased_until`. A vote is still taken then, see `storage.late_votes`.

    Raises:
        NotFoundError: there is no such assignment.
    """
    found = get(tx, assignment_id)
    if found is None:
        raise NotFoundError(
            f"No assignment has the id {assignment_id[:80]!r}.", "Load the page again."
        )
    lock_batch(tx, found.batch_id)
    now = clock.now(tx)
    whose = (found.batch_id, found.pair_id, found.annotator_id)
    is_over = found.leased_until <= now and found.kind is AssignmentKind.NORMAL
    if is_over and not has_room(tx, *whose, now):
        return found
    tx.execute(queries.RENEW, {"assignment": assignment_id, "until": leased_until})
    return get(tx, assignment_id) or found


def has_room(db: Connection, batch_id: str, pair_id: str, annotator_id: str, now: int) -> bool:
    """Whether votes and the running leases of others leave a place for one more vote."""
    pair = {"batch": batch_id, "pair": pair_id, "annotator": annotator_id}
    return bool(db.execute(queries.ROOM, {**pair, "now": now}).scalar_one())


def last_answered(db: Connection, batch_id: str, annotator_id: str) -> Assignment | None:
    """The assignment with this annotator's latest effective vote: what an undo takes back."""
    mine = {"batch": batch_id, "annotator": annotator_id}
    row = db.execute(queries.LAST_ANSWERED, mine).one_or_none()
    return None if row is None else _assignment(row)


def done(db: Connection, batch_id: str, annotator_id: str) -> int:
    """Pairs of a batch that an annotator has answered, skips included."""
    mine = {"batch": batch_id, "annotator": annotator_id}
    return int(db.execute(queries.DONE, mine).scalar_one())


def progress(
    db: Connection,
    batch_id: str,
    annotator_id: str,
    open_: Sequence[Assignment] | None = None,
    now: int | None = None,
) -> Progress:
    """How far an annotator is in a batch. `open_` is what `open_for` returns and `now` what
    `clock.now` said in this transaction, where they are known already."""
    now = clock.now(db) if now is None else now
    if open_ is None:
        open_ = open_for(db, batch_id, annotator_id, now)
    wanted = {"batch": batch_id, "annotator": annotator_id, "now": now}
    answered, available = db.execute(_COUNTS, wanted).one()
    return Progress(int(answered), len(open_), int(available))


def lock_batch(tx: Connection, batch_id: str) -> None:
    """Let one transaction at a time assign pairs of this batch, until it ends.

    Raises:
        NotFoundError: there is no such batch.
    """
    if tx.execute(queries.BATCH_LOCKED, {"batch": batch_id}).scalar() is None:
        raise NotFoundError(
            f"No batch has the id {batch_id[:80]!r}.", "`pairwright batch list` shows the batches."
        )


def _next_pair(tx: Connection, wanted: dict[str, Any]) -> str | None:
    """The first of the most urgent pairs that takes one more vote."""
    for urgency, first, has_others in tx.execute(queries.FIRST_OF_EACH_URGENCY, wanted):
        found: str | None = first
        if found is None and has_others:
            found = tx.execute(had_groups.NEXT, {**wanted, "urgency": urgency}).scalar()
        if found is not None:
            return found
    return None


def _assignment(row: Any) -> Assignment:
    values = dict(zip(_FIELDS, row, strict=True))
    return Assignment(**{**values, "kind": _KINDS[values["kind"]]})
