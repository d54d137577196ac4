"""Job events: the lines of a runner's `events.jsonl`, taken into the ledger. Append-only."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.engine import Connection

from storage import jobs, tables
from storage.rows import JobEvent


def append(tx: Connection, job_id: str, fence: int, attempt: int, rows: Sequence[JobEvent]) -> int:
    """Record events of a running attempt; return how many were new.

    Sequences that are recorded already are passed over, so a worker may send a tail again.

    Raises:
        StaleFenceError: the attempt no longer holds the job.
    """
    jobs.hold(tx, job_id, fence)
    if not rows:
        return 0
    table = tables.job_events
    sequences = [row.sequence for row in rows]
    recorded = select(table.c.sequence).where(
        table.c.job_id == job_id,
        table.c.attempt == attempt,
        table.c.sequence.between(min(sequences), max(sequences)),
    )
    known = set(tx.execute(recorded).scalars())
    fresh = {row.sequence: row for row in rows if row.sequence not in known}
    if fresh:
        values = [{**vars(row), "job_id": job_id, "attempt": attempt} for row in fresh.values()]
        tx.execute(table.insert(), values)
    return len(fresh)


def listed(
    db: Connection,
    job_id: str,
    kind: str | None = None,
    after: tuple[int, int] | None = None,
) -> list[JobEvent]:
    """Events of a job by attempt and sequence.

    Args:
        kind: only metric, progress, note or checkpoint.
        after: only what follows this (attempt, sequence).
    """
    table = tables.job_events
    query = select(table).where(table.c.job_id == job_id)
    if kind is not None:
        query = query.where(table.c.kind == kind)
    if after is not None:
        attempt, sequence = after
        same = and_(table.c.attempt == attempt, table.c.sequence > sequence)
        query = query.where(or_(table.c.attempt > attempt, same))
    query = query.order_by(table.c.attempt, table.c.sequence)
    return [JobEvent(**row._mapping) for row in db.execute(query)]
