"""What annotators rated on the two answers of a pair, vote by vote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import exclusions, tables
from storage.rows import AssignmentKind

_JUDGED = (AssignmentKind.NORMAL.value, AssignmentKind.ADJUDICATION.value)


@dataclass(frozen=True)
class Rated:
    """One effective vote with ratings.

    Attributes:
        ratings: criterion -> 1 to 5, under `a` and `b`, the canonical sides.
    """

    pair_id: str
    annotator: str
    ratings: Mapping[str, Mapping[str, int]]


def of_batch(db: Connection, batch_id: str) -> list[Rated]:
    """The ratings of a batch, oldest first. Undone, skipped and excluded votes rate nothing."""
    vote, assignment, who = tables.votes, tables.assignments, tables.annotators
    later = vote.alias("later")
    newer = select(later.c.event_id).where(
        later.c.assignment_id == vote.c.assignment_id, later.c.sequence > vote.c.sequence
    )
    query = (
        select(assignment.c.id, assignment.c.pair_id, who.c.name, vote.c.rubric)
        .join(assignment, assignment.c.id == vote.c.assignment_id)
        .join(who, who.c.id == assignment.c.annotator_id)
        .where(assignment.c.batch_id == batch_id, assignment.c.kind.in_(_JUDGED))
        .where(vote.c.kind == "vote", vote.c.rubric.is_not(None), vote.c.verdict != "skip")
        .where(~newer.exists())
        .order_by(vote.c.received_at, vote.c.event_id)
    )
    left_out = exclusions.in_force(db)
    return [
        Rated(row.pair_id, row.name, {side: dict(row.rubric.get(side) or {}) for side in "ab"})
        for row in db.execute(query)
        if row.name not in left_out.everywhere
        and (batch_id, row.name) not in left_out.in_batches
        and row.id not in left_out.single
    ]
