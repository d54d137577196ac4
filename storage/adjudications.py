"""What leads decide about pairs that votes do not settle.

A decision is a vote on an assignment of kind adjudication, with its reason as the note: it stands
in the same append-only log, and taking it back is an undo there. While one stands, the batch offers
the pair to nobody.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.engine import Connection

from storage import annotators, assignments, clock, standing, tables, votes
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.rows import Assignment, AssignmentKind, EffectiveVote, Verdict

OUTCOMES = (Verdict.A, Verdict.B, Verdict.TIE)
LONGEST_REASON = 2000


@dataclass(frozen=True)
class Contested:
    """A pair of a batch that got all its votes and is still contested: it waits for a lead."""

    batch_id: str
    pair_id: str
    votes: int
    votes_a: int
    votes_b: int


def decide(
    tx: Connection, *, batch_id: str, pair_id: str, lead: str, outcome: Verdict, reason: str
) -> EffectiveVote:
    """Record a lead's decision; an earlier one of the same lead is taken back first.

    Args:
        lead: name of the person who decides, made when new.
        outcome: `a`, `b` or `tie`, canonical.
        reason: 1 to 2000 characters.

    Raises:
        WrongInputError: outcome, reason or name cannot be used.
        NotFoundError: the batch has no such pair.
    """
    if outcome not in OUTCOMES:
        raise WrongInputError(f"A lead cannot decide {outcome.value!r}.", "Use a, b or tie.")
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise WrongInputError(
            f"The reason has {len(reason.strip())} characters.",
            f"Write 1 to {LONGEST_REASON}, so that others can follow the decision.",
        )
    who = annotators.get_or_create(tx, lead)
    assignments.lock_batch(tx, batch_id)
    assignment_id = _assignment_of(tx, batch_id, pair_id, who.id) or _assign(
        tx, batch_id, pair_id, who.id
    )
    if any(vote.assignment_id == assignment_id for vote in effective(tx, batch_id, pair_id)):
        _append(tx, assignment_id, None, f"replaced: {reason}")
    _append(tx, assignment_id, outcome, reason)
    return next(
        vote for vote in effective(tx, batch_id, pair_id) if vote.assignment_id == assignment_id
    )


def withdraw(tx: Connection, *, batch_id: str, pair_id: str, reason: str) -> int:
    """Take back every decision that stands on a pair of a batch; return how many.

    Raises:
        ConflictError: there is none.
    """
    standing_now = effective(tx, batch_id, pair_id)
    if not standing_now:
        raise ConflictError("No decision stands on this pair.", "Nothing was changed.")
    for vote in standing_now:
        _append(tx, vote.assignment_id, None, reason)
    return len(standing_now)


def effective(db: Connection, batch_id: str, pair_id: str) -> list[EffectiveVote]:
    """The decisions that stand on a pair of a batch, oldest first; the last one counts."""
    return votes.effective(db, batch_id, [pair_id], kinds=[AssignmentKind.ADJUDICATION])


def contested(db: Connection, batch_id: str | None = None) -> list[Contested]:
    """The pairs that wait for a lead, of one batch if given, by batch and position."""
    within = tables.batch_pairs
    query = (
        select(
            within.c.batch_id, within.c.pair_id, within.c.votes, within.c.votes_a, within.c.votes_b
        )
        .where(standing.waits_for_lead(), _of(batch_id))
        .order_by(within.c.batch_id, within.c.position)
    )
    return [Contested(**row._mapping) for row in db.execute(query)]


def decided_pairs(db: Connection, batch_id: str | None = None) -> set[tuple[str, str]]:
    """Batch id and pair id where a decision stands."""
    within = tables.batch_pairs
    query = select(within.c.batch_id, within.c.pair_id).where(within.c.decided > 0, _of(batch_id))
    return {(row.batch_id, row.pair_id) for row in db.execute(query)}


def _of(batch_id: str | None) -> ColumnElement[bool]:
    column = tables.batch_pairs.c.batch_id
    matches: ColumnElement[bool] = column == (column if batch_id is None else batch_id)
    return matches


def _assignment_of(tx: Connection, batch_id: str, pair_id: str, lead_id: str) -> str | None:
    table = tables.assignments
    query = select(table.c.id).where(
        table.c.batch_id == batch_id,
        table.c.pair_id == pair_id,
        table.c.annotator_id == lead_id,
        table.c.kind == AssignmentKind.ADJUDICATION.value,
    )
    found: str | None = tx.execute(query).scalar()
    return found


def _assign(tx: Connection, batch_id: str, pair_id: str, lead_id: str) -> str:
    within = tables.batch_pairs
    there = select(within.c.pair_id).where(
        within.c.batch_id == batch_id, within.c.pair_id == pair_id
    )
    if tx.execute(there).scalar() is None:
        raise NotFoundError(
            f"The batch has no pair {pair_id[:80]!r}.", "`pairwright pair queue` lists pairs."
        )
    now = clock.now(tx)
    made = Assignment(
        id=uuid.uuid4().hex,
        batch_id=batch_id,
        pair_id=pair_id,
        annotator_id=lead_id,
        kind=AssignmentKind.ADJUDICATION,
        left="a",
        sequence=0,
        offered_at=now,
        leased_until=now,
    )
    return assignments.assign(tx, made).id


def _append(tx: Connection, assignment_id: str, outcome: Verdict | None, reason: str) -> None:
    now = clock.now(tx)
    votes.append(
        tx,
        event_id=str(uuid.uuid4()),
        assignment_id=assignment_id,
        kind="undo" if outcome is None else "vote",
        verdict=outcome,
        note=reason,
        shown_at=now,
        decided_at=now,
        active_ms=0,
    )
