"""What was ever said about a pair: every vote, undo, report and decision, with who said it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import tables
from storage.rows import AssignmentKind, Verdict


@dataclass(frozen=True)
class PastEvent:
    """One event.

    Attributes:
        batch: name of the batch.
        annotator: who; the lead when `assignment_kind` is adjudication.
        kind: `vote` or `undo`.
        verdict: canonical; None for an undo.
        left: the answer, `a` or `b`, that was shown on the left.
        stands: no later event of the assignment takes it back.
        report: kind of the report that came with a skip, empty without one.
        failures: keys of what is wrong with the worse answer.
        confidence: 1 guess, 2 likely, 3 sure; None when not said.
        received_at: microseconds UTC.
    """

    batch: str
    annotator: str
    assignment_kind: AssignmentKind
    kind: str
    verdict: Verdict | None
    left: str
    stands: bool
    report: str
    note: str
    failures: Sequence[str]
    confidence: int | None
    received_at: int


def of_pair(db: Connection, pair_id: str) -> list[PastEvent]:
    """Every event on a pair in any batch, by the order in which they came."""
    vote, assignment, who = tables.votes, tables.assignments, tables.annotators
    batch, report = tables.batches, tables.reports
    query = (
        select(
            *(vote, assignment.c.left, assignment.c.kind.label("of_kind")),
            *(who.c.name.label("annotator"), batch.c.name.label("batch")),
            report.c.kind.label("report"),
        )
        .join(assignment, assignment.c.id == vote.c.assignment_id)
        .join(who, who.c.id == assignment.c.annotator_id)
        .join(batch, batch.c.id == assignment.c.batch_id)
        .outerjoin(report, report.c.event_id == vote.c.event_id)
        .where(assignment.c.pair_id == pair_id)
        # the index of assignments by pair begins with the batch
        .where(assignment.c.batch_id.in_(select(batch.c.id)))
        .order_by(vote.c.received_at, vote.c.assignment_id, vote.c.sequence)
    )
    rows = db.execute(query).all()
    last: dict[str, int] = {}
    for row in rows:
        last[row.assignment_id] = max(row.sequence, last.get(row.assignment_id, 0))
    return [_event(row, stands=row.sequence == last[row.assignment_id]) for row in rows]


def _event(row: Any, *, stands: bool) -> PastEvent:
    return PastEvent(
        batch=row.batch,
        annotator=row.annotator,
        assignment_kind=AssignmentKind(row.of_kind),
        kind=row.kind,
        verdict=None if row.verdict is None else Verdict(row.verdict),
        left=row.left,
        stands=stands and row.kind == "vote",
        report=row.report or "",
        note=row.note,
        failures=tuple(row.failures or ()),
        confidence=row.confidence,
        received_at=row.received_at,
    )
