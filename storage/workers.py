"""Workers: the processes that run jobs, and when they were last heard of."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.inserts import add_if_absent
from storage.rows import Worker


def beat(tx: Connection, worker_id: str, pid: int, host: str) -> None:
    """Note that a worker is alive now. `worker_id` is new for every start of a worker."""
    now = clock.now(tx)
    row = {"id": worker_id, "pid": pid, "host": host, "started_at": now, "seen_at": now}
    if not add_if_absent(tx, tables.workers, row):
        table = tables.workers
        tx.execute(table.update().where(table.c.id == worker_id).values(seen_at=now))


def live(db: Connection, within_seconds: int = 30) -> int:
    """Number of workers heard of within the last seconds."""
    since = clock.now(db) - within_seconds * clock.SECOND
    table = tables.workers
    query = select(func.count()).select_from(table).where(table.c.seen_at >= since)
    return int(db.execute(query).scalar_one())


def listed(db: Connection) -> list[Worker]:
    """All workers that did not stop in order, the longest silent first."""
    query = select(tables.workers).order_by(tables.workers.c.seen_at, tables.workers.c.id)
    return [Worker(**row._mapping) for row in db.execute(query)]


def remove(tx: Connection, worker_id: str) -> None:
    """Forget a worker that stops in order."""
    tx.execute(tables.workers.delete().where(tables.workers.c.id == worker_id))
