"""Pairs that a lead left out: none of their votes and labels counts, and no dataset has them.

`storage.pair_actions` leaves them out and brings them back; what stands now is kept beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.engine import Connection

from storage import tables

# SQLite takes a limited number of parameters in one statement
_CHUNK = 1000


def reasons(db: Connection, pair_ids: Sequence[str] | None = None) -> dict[str, str]:
    """Pair id -> why it is left out, of these pairs or of all."""
    table, action = tables.excluded_pairs, tables.pair_actions
    query = select(table.c.pair_id, action.c.reason).join(action, action.c.number == table.c.number)
    if pair_ids is None:
        return {pair_id: reason for pair_id, reason in db.execute(query)}
    found: dict[str, str] = {}
    for start in range(0, len(pair_ids), _CHUNK):
        chunk = list(pair_ids[start : start + _CHUNK])
        found |= {
            one: reason for one, reason in db.execute(query.where(table.c.pair_id.in_(chunk)))
        }
    return found


def left_out() -> Select[tuple[str]]:
    """The pairs that are left out."""
    return select(tables.excluded_pairs.c.pair_id)


def mark(db: Connection) -> int:
    """A number that changes when a pair is left out or brought back."""
    table = tables.pair_actions
    query = select(func.coalesce(func.max(table.c.number), 0))
    return int(db.execute(query.where(table.c.kind.in_(("exclude", "readmit")))).scalar_one())
