"""Votes that were cast in another tool, as votes of annotators named after it.

Each is a vote on an assignment of kind `foreign`, so that it stands with its provenance: it fills
no place of the batch's overlap and no agreement of our own annotators counts it, but a consensus
does. Where a file does not say when or how fast somebody decided, the times are 0.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from storage import annotators, assignments, clock, identity, tables, votes
from storage.imports.records import Opinion
from storage.rows import Assignment, AssignmentKind, Pair, Verdict

ADDED, PRESENT, CONFLICTING = "added", "present", "conflicting"

# built once: building it for every vote costs more than running it
_LAST = (
    select(tables.votes.c.kind, tables.votes.c.verdict)
    .where(tables.votes.c.assignment_id == bindparam("assignment"))
    .order_by(tables.votes.c.sequence.desc())
    .limit(1)
)


def cast(
    tx: Connection, batch_id: str, pair: Pair, opinion: Opinion, verdict: Verdict, left: str
) -> str:
    """Record what a foreign judge said; `added`, `present`, or `conflicting`.

    A judge has one vote on a pair of a batch, the first that came in.

    Args:
        left: `a` or `b`, the answer that the file names first.
    """
    known = compare(tx, batch_id, pair.id, opinion.who, verdict)
    if known != ADDED:
        return known
    assignment_id = _assignment_id(batch_id, pair.id, opinion.who)
    now = clock.now(tx)
    assignments.lock_batch(tx, batch_id)
    who = annotators.get_or_create(tx, opinion.who)
    assignments.assign(
        tx,
        Assignment(
            id=assignment_id,
            batch_id=batch_id,
            pair_id=pair.id,
            annotator_id=who.id,
            kind=AssignmentKind.FOREIGN,
            left=left,
            sequence=0,
            offered_at=now,
            leased_until=now,
        ),
    )
    votes.append(
        tx,
        event_id=identity.digest({"foreign vote": assignment_id}),
        assignment_id=assignment_id,
        kind="vote",
        verdict=verdict,
        note=opinion.note,
        shown_at=max(0, opinion.decided_at - 1000 * opinion.active_ms),
        decided_at=opinion.decided_at,
        active_ms=opinion.active_ms,
    )
    return ADDED


def compare(db: Connection, batch_id: str, pair_id: str, who: str, verdict: Verdict) -> str:
    """What casting a vote would do."""
    last = db.execute(_LAST, {"assignment": _assignment_id(batch_id, pair_id, who)}).one_or_none()
    if last is None:
        return ADDED
    # somebody may have taken the vote back here, which the file does not know
    return CONFLICTING if last.kind == "vote" and last.verdict != verdict else PRESENT


def _assignment_id(batch_id: str, pair_id: str, who: str) -> str:
    return identity.digest({"foreign": [batch_id, pair_id, who]})
