"""What leads did, as the append-only log of votes tells it.

Beside decisions two more events of leads stand there as skips, which settle nothing: reports that
are dismissed, and names of annotators that were shown, which is undone at once. What an event means
is in the place of ratings. An undo marked `replaced` makes room for the next event of its
assignment; it takes nothing back by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlalchemy.engine import Connection

from storage import assignments, tables
from storage.rows import Assignment, AssignmentKind, Json, Verdict

DISMISSED: Json = {"reports": "dismissed"}
NAMES_SHOWN: Json = {"names_shown": True}
REPLACED: Json = {"replaced": True}

_assignment = tables.assignments
# the words of the index of checks, by which SQLite knows that it may be used
_IS_NOT_NORMAL = _assignment.c.kind != literal_column("'normal'")


@dataclass(frozen=True)
class Circumstances:
    """How a decision came about; kept with it.

    Attributes:
        names_seen: the lead had asked for the names of the annotators before.
        pair_withdrawn: the lead took the pair out of labeling; the outcome is a tie then.
    """

    names_seen: bool
    pair_withdrawn: bool = False


@dataclass(frozen=True)
class Decision:
    """A decision that stands, with its provenance. `circumstances` is None when it was made by
    command, where nobody knows what the lead had seen."""

    batch_id: str
    lead: str
    outcome: Verdict
    reason: str
    circumstances: Circumstances | None
    decided_at: int


def decisions(db: Connection, pair_id: str) -> list[Decision]:
    """The decisions that stand on a pair in any batch, oldest first; the last one counts."""
    # the index of assignments by pair begins with the batch
    anywhere = _assignment.c.batch_id.in_(select(tables.batches.c.id))
    query = _events().where(_assignment.c.pair_id == pair_id, anywhere)
    last = {row.assignment_id: row for row in _in_order(db, query)}
    stands = [
        row for row in last.values() if row.kind == "vote" and row.verdict != Verdict.SKIP.value
    ]
    return [_decision(row) for row in sorted(stands, key=lambda row: row.received_at)]


def names_seen(db: Connection, batch_id: str, pair_id: str, lead_id: str) -> bool:
    """Whether a lead was ever shown who voted on a pair of a batch."""
    query = _events(batch_id).where(
        _assignment.c.pair_id == pair_id, _assignment.c.annotator_id == lead_id
    )
    return any(row.rubric == NAMES_SHOWN for row in db.execute(query))


def dismissals(db: Connection, batch_id: str | None = None) -> dict[tuple[str, str], int]:
    """(Batch id, pair id) -> when a lead last dismissed the reports on it, in microseconds."""
    stands: dict[str, tuple[tuple[str, str], int]] = {}
    last: dict[str, Json | None] = {}
    for row in _in_order(db, _events(batch_id)):
        if row.kind == "vote":
            last[row.assignment_id] = row.rubric
            if row.rubric == DISMISSED:
                place = (row.batch_id, row.pair_id)
                stands[row.assignment_id] = (place, row.received_at)
        elif row.rubric != REPLACED and last[row.assignment_id] == DISMISSED:
            del stands[row.assignment_id]
    found: dict[tuple[str, str], int] = {}
    for place, at in stands.values():
        found[place] = max(at, found.get(place, 0))
    return found


def last_of(db: Connection, lead_id: str, batch_id: str | None = None) -> Assignment | None:
    """The assignment with what this lead decided or dismissed last: what an undo takes back."""
    query = select(_assignment.c.id).where(*_stands(lead_id, batch_id))
    latest = query.order_by(_assignment.c.answered_at.desc(), _assignment.c.sequence.desc())
    found = db.execute(latest.limit(1)).scalar()
    return None if found is None else assignments.get(db, found)


def count_decided(db: Connection, lead_id: str, batch_id: str | None = None) -> int:
    """Pairs on which something of this lead stands, dismissed reports included."""
    query = select(func.count()).where(*_stands(lead_id, batch_id))
    return int(db.execute(query).scalar_one())


def _stands(lead_id: str, batch_id: str | None) -> list[ColumnElement[bool]]:
    of_lead = [
        _assignment.c.annotator_id == lead_id,
        _assignment.c.kind == AssignmentKind.ADJUDICATION.value,
        _assignment.c.answered_at.is_not(None),
    ]
    return of_lead if batch_id is None else [*of_lead, _assignment.c.batch_id == batch_id]


def _events(batch_id: str | None = None) -> Select[Any]:
    """Every event of leads, of one batch if given."""
    vote, who = tables.votes, tables.annotators
    query = (
        select(vote, _assignment.c.batch_id, _assignment.c.pair_id, who.c.name)
        .join(_assignment, _assignment.c.id == vote.c.assignment_id)
        .join(who, who.c.id == _assignment.c.annotator_id)
        .where(_assignment.c.kind == AssignmentKind.ADJUDICATION.value, _IS_NOT_NORMAL)
    )
    return query if batch_id is None else query.where(_assignment.c.batch_id == batch_id)


def _in_order(db: Connection, query: Select[Any]) -> list[Any]:
    """By assignment and sequence. Asked to sort, SQLite would read all votes in that order."""
    return sorted(db.execute(query), key=lambda row: (row.assignment_id, row.sequence))


def _decision(row: Any) -> Decision:
    return Decision(
        batch_id=row.batch_id,
        lead=row.name,
        outcome=Verdict(row.verdict),
        reason=row.note,
        circumstances=Circumstances(**row.rubric) if row.rubric else None,
        decided_at=row.received_at,
    )
