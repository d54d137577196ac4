"""What annotators said is wrong with the worse answer: kinds of failure and notes, vote by vote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from storage import exclusions, tables
from storage.rows import AssignmentKind

_JUDGED = (AssignmentKind.NORMAL.value, AssignmentKind.ADJUDICATION.value)


@dataclass(frozen=True)
class Failing:
    """One effective vote that says what is wrong.

    Attributes:
        worse: `a` or `b`, the answer that lost by this vote.
        kinds: keys of kinds of failure, none where there is only a note.
        received_at: microseconds.
    """

    pair_id: str
    batch_id: str
    annotator: str
    worse: str
    kinds: Sequence[str]
    note: str
    received_at: int


def listed(db: Connection, batch_ids: Sequence[str] | None = None) -> list[Failing]:
    """Everything that was said about the worse answer, oldest first, in some batches or in all.

    Undone votes and votes that are excluded say nothing; a tie or a skip has no worse answer.
    """
    vote, assignment, who = tables.votes, tables.assignments, tables.annotators
    later = vote.alias("later")
    newer = select(later.c.event_id).where(
        later.c.assignment_id == vote.c.assignment_id, later.c.sequence > vote.c.sequence
    )
    names = ("pair_id", "batch_id")
    query = (
        select(
            *(assignment.c[name] for name in names),
            *(vote.c[name] for name in ("assignment_id", "verdict", "failures", "note")),
            vote.c.received_at,
            assignment.c.kind.label("of_kind"),
            who.c.name.label("annotator"),
        )
        .join(assignment, assignment.c.id == vote.c.assignment_id)
        .join(who, who.c.id == assignment.c.annotator_id)
        .where(assignment.c.kind.in_(_JUDGED), vote.c.verdict.in_(("a", "b")))
        .where(vote.c.kind == "vote", or_(vote.c.failures.is_not(None), vote.c.note != ""))
        .where(~newer.exists())
        .order_by(vote.c.received_at, vote.c.event_id)
    )
    if batch_ids is not None:
        query = query.where(assignment.c.batch_id.in_(batch_ids))
    left_out = exclusions.in_force(db)
    return [
        Failing(
            pair_id=row.pair_id,
            batch_id=row.batch_id,
            annotator=row.annotator,
            worse="b" if row.verdict == "a" else "a",
            kinds=tuple(row.failures or ()),
            note=row.note,
            received_at=row.received_at,
        )
        for row in db.execute(query)
        if row.of_kind == AssignmentKind.ADJUDICATION.value
        or not (
            row.annotator in left_out.everywhere
            or (row.batch_id, row.annotator) in left_out.in_batches
            or row.assignment_id in left_out.single
        )
    ]
