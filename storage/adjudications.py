"""What leads decide about pairs that votes do not settle.

A decision is a vote on an assignment of kind adjudication, with its reason as the note and its
circumstances in place of ratings: it stands in the same append-only log, and taking it back is an
undo there. While one stands, the batch offers the pair to nobody. `storage.lead_log` reads the log.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.engine import Connection

from storage import annotators, assignments, clock, lead_log, standing, tables, votes
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.rows import Assignment, AssignmentKind, EffectiveVote, Json, Verdict

OUTCOMES = (Verdict.A, Verdict.B, Verdict.TIE)
LONGEST_REASON = 2000

_assignment = tables.assignments


@dataclass(frozen=True)
class Contested:
    """A pair of a batch that waits for a lead: it got all its votes and is still contested, or a
    lead sent it there (`referred` above 0)."""

    batch_id: str
    pair_id: str
    votes: int
    votes_a: int
    votes_b: int
    referred: int


def decide(
    tx: Connection,
    *,
    batch_id: str,
    pair_id: str,
    lead: str,
    outcome: Verdict,
    reason: str,
    circumstances: lead_log.Circumstances | None = None,
    event_id: str | None = None,
) -> EffectiveVote:
    """Record a lead's decision; an earlier one of the same lead is taken back first.

    Args:
        lead: name of the person who decides, made when new.
        outcome: `a`, `b` or `tie`, canonical.
        reason: up to 2000 characters; only on the bench it may be empty.
        event_id: drawn by the browser; drawn here when left out.

    Raises:
        WrongInputError: outcome, reason or name cannot be used.
        NotFoundError: the batch has no such pair.
    """
    if outcome not in OUTCOMES:
        raise WrongInputError(f"A lead cannot decide {outcome.value!r}.", "Use a, b or tie.")
    fewest = 1 if circumstances is None else 0
    if not fewest <= len(reason.strip()) <= len(reason) <= LONGEST_REASON:
        raise WrongInputError(
            f"The reason has {len(reason.strip())} characters.",
            f"Write {fewest} to {LONGEST_REASON}, so that others can follow the decision.",
        )
    assignment_id = _assigned(tx, batch_id, pair_id, annotators.get_or_create(tx, lead).id)
    said = None if circumstances is None else vars(circumstances)
    _put(tx, assignment_id, outcome, reason, said, event_id)
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


def take_back(tx: Connection, assignment_id: str, event_id: str) -> None:
    """Take back what a lead decided or dismissed last on an assignment.

    Raises:
        ConflictError: nothing stands on it.
    """
    _append(tx, assignment_id, None, event_id=event_id)


def dismiss_reports(
    tx: Connection, *, batch_id: str, pair_id: str, lead: str, event_id: str
) -> None:
    """Say that the reports on a pair need no decision; one that comes later waits again.

    Raises:
        NotFoundError: the batch has no such pair.
    """
    assignment_id = _assigned(tx, batch_id, pair_id, annotators.get_or_create(tx, lead).id)
    _put(tx, assignment_id, Verdict.SKIP, "", lead_log.DISMISSED, event_id)


def show_names(tx: Connection, *, batch_id: str, pair_id: str, lead: str) -> None:
    """Record that a lead was shown who voted on a pair; again changes nothing.

    Raises:
        NotFoundError: the batch has no such pair.
    """
    who = annotators.get_or_create(tx, lead).id
    if lead_log.names_seen(tx, batch_id, pair_id, who):
        return
    assignment_id = _assigned(tx, batch_id, pair_id, who)
    _put(tx, assignment_id, Verdict.SKIP, "", lead_log.NAMES_SHOWN)
    _append(tx, assignment_id, None, said=lead_log.REPLACED)


def effective(db: Connection, batch_id: str, pair_id: str) -> list[EffectiveVote]:
    """The decisions that stand on a pair of a batch, oldest first; the last one counts."""
    found = votes.effective(db, batch_id, [pair_id], kinds=[AssignmentKind.ADJUDICATION])
    return [vote for vote in found if vote.verdict in OUTCOMES]


def contested(db: Connection, batch_id: str | None = None) -> list[Contested]:
    """The pairs that wait for a lead, of one batch if given, by batch and position."""
    within = tables.batch_pairs
    names = ("batch_id", "pair_id", "votes", "votes_a", "votes_b", "referred")
    query = (
        select(*(within.c[name] for name in names))
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


def _assigned(tx: Connection, batch_id: str, pair_id: str, lead_id: str) -> str:
    """The lead's assignment of a pair, made when new; the batch is locked from here on."""
    assignments.lock_batch(tx, batch_id)
    there = _assignment_of(tx, batch_id, pair_id, lead_id)
    return there or _assign(tx, batch_id, pair_id, lead_id)


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


def _put(
    tx: Connection,
    assignment_id: str,
    outcome: Verdict,
    reason: str,
    said: Json | None,
    event_id: str | None = None,
) -> None:
    """Record an event in place of the one that stands, if any."""
    row = tx.execute(
        select(_assignment.c.answered_at).where(_assignment.c.id == assignment_id)
    ).one()
    if row.answered_at is not None:
        _append(tx, assignment_id, None, f"replaced: {reason}"[:LONGEST_REASON], lead_log.REPLACED)
    _append(tx, assignment_id, outcome, reason, said, event_id)


def _append(
    tx: Connection,
    assignment_id: str,
    outcome: Verdict | None,
    reason: str = "",
    said: Json | None = None,
    event_id: str | None = None,
) -> None:
    now = clock.now(tx)
    votes.append(
        tx,
        event_id=event_id or str(uuid.uuid4()),
        assignment_id=assignment_id,
        kind="undo" if outcome is None else "vote",
        verdict=outcome,
        note=reason,
        rubric=said,
        shown_at=now,
        decided_at=now,
        active_ms=0,
    )
