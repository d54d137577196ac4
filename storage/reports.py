"""Reports: what annotators say is wrong with a pair, for the lead. Append-only.

A report counts as a skip of the annotator who sends it, so the pair goes on to others. An undo
takes back the skip; the report stays, because the lead may have read it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, tables, votes
from storage.errors import ConflictError, WrongInputError
from storage.rows import Report, Verdict

KINDS = ("broken_media", "names_its_model", "nonsense", "other")
LONGEST_NOTE = 2000


def append(tx: Connection, *, event_id: str, assignment_id: str, kind: str, note: str) -> bool:
    """Record a report with its skip; False when this event was recorded before.

    Raises:
        WrongInputError: the kind is none of `KINDS`, or the note cannot be stored.
        NotFoundError: there is no such assignment.
        ConflictError: the annotator has voted on the pair, or the event is another one's.
    """
    if kind not in KINDS:
        raise WrongInputError(
            f"kind: {kind[:40]!r} is no kind of report.", f"Kinds: {', '.join(KINDS)}."
        )
    if len(note) > LONGEST_NOTE:
        raise WrongInputError(
            f"note: it has {len(note)} characters.", f"Write up to {LONGEST_NOTE}."
        )
    known = tx.execute(
        select(tables.votes.c.kind).where(tables.votes.c.event_id == event_id)
    ).scalar()
    now = clock.now(tx)
    skip = votes.append(
        tx,
        event_id=event_id,
        assignment_id=assignment_id,
        kind="vote",
        verdict=Verdict.SKIP,
        note=note,
        shown_at=now,
        decided_at=now,
        active_ms=0,
    )
    if known is None:
        row = {"event_id": event_id, "assignment_id": assignment_id, "kind": kind, "note": note}
        tx.execute(tables.reports.insert().values(**row, received_at=skip.received_at))
        return True
    if not _is_report(tx, event_id):
        raise ConflictError("This event is a vote.", "Load the page again and report once more.")
    return False


def listed(db: Connection, batch_id: str | None = None) -> list[Report]:
    """All reports, of one batch if given, by the order in which they came."""
    report, assignment, who = tables.reports, tables.assignments, tables.annotators
    query = (
        select(report, assignment.c.batch_id, assignment.c.pair_id, who.c.name.label("annotator"))
        .join(assignment, assignment.c.id == report.c.assignment_id)
        .join(who, who.c.id == assignment.c.annotator_id)
        .order_by(report.c.received_at, report.c.event_id)
    )
    if batch_id is not None:
        query = query.where(assignment.c.batch_id == batch_id)
    return [_report(row) for row in db.execute(query)]


def _is_report(db: Connection, event_id: str) -> bool:
    query = select(tables.reports.c.kind).where(tables.reports.c.event_id == event_id)
    return db.execute(query).scalar() is not None


def _report(row: Any) -> Report:
    return Report(**row._mapping)
