"""Votes that come too late: the pair wants no more of them by then.

A vote takes one of the places that a pair has for votes: the one that its lease holds, or a free
one. A lease may have run out over a lunch or a dead network, and others may have filled the pair. A
vote without a place is acknowledged and kept like any other, and excluded in the same transaction:
no figure rests on it and no overlap is exceeded. A lead may readmit it: see `storage.exclusions`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import assignments, exclusions, tables
from storage.exclusions import ExclusionKind
from storage.rows import VoteEvent

# who excludes them: nobody is asked
ACTOR = "pairwright"
REASON = "The pair wanted no more votes when this one came."
_TAKEN_BACK = "The vote was taken back."


def set_aside(tx: Connection, assignment: Any, event: VoteEvent) -> bool:
    """Exclude a vote that was recorded just now if it has no place, and end that with its undo.

    Args:
        assignment: row of a normal one, read and locked before the event was recorded.

    Returns:
        Whether the pair's counters of votes are not to follow the event.
    """
    if event.kind == "undo":
        if not is_left_out(tx, assignment.id):
            return False
        _record(tx, assignment, ExclusionKind.READMIT, _TAKEN_BACK)
        return True
    if _has_place(tx, assignment, event.received_at):
        return False
    _record(tx, assignment, ExclusionKind.EXCLUDE, REASON)
    return True


def is_left_out(db: Connection, assignment_id: str) -> bool:
    """Whether the vote that stands on an assignment came too late, also if a lead readmitted it."""
    table = tables.exclusions
    by_program = (table.c.assignment_id == assignment_id, table.c.actor == ACTOR)
    latest = select(table.c.kind).where(*by_program).order_by(table.c.number.desc()).limit(1)
    return db.execute(latest).scalar() == ExclusionKind.EXCLUDE.value


def _has_place(tx: Connection, assignment: Any, now: int) -> bool:
    if assignment.leased_until > now:
        return True
    # nobody is offered the free place meanwhile
    assignments.lock_batch(tx, assignment.batch_id)
    whose = (assignment.batch_id, assignment.pair_id, assignment.annotator_id)
    return assignments.has_room(tx, *whose, now)


def _record(tx: Connection, assignment: Any, kind: ExclusionKind, reason: str) -> None:
    whose = (assignment.annotator_id, assignment.batch_id, assignment.id)
    exclusions.record(tx, kind, *whose, ACTOR, reason)
