"""Adding rows that may already be there, the same way on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Executable, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

# numbers of PostgreSQL's advisory locks
NUMBERING_VERSIONS = 7_310_001
IMPORTING = 7_310_002
SEALING = 7_310_010
ACTIVATING = 7_310_003
EXCLUDING = 7_310_004
ACTING = 7_310_008
NUMBERING_EVENTS = 7_310_005
DRAWING_AUDITS = 7_310_006


def add_if_absent(tx: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert the row unless one with the same key is there; True when it was new."""
    return tx.execute(_insert(tx.dialect.name, table), dict(row)).rowcount == 1


def wait_for_turn(tx: Connection, what: int) -> None:
    """Let one transaction at a time do `what`, until it ends: SQLite has one writer anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock(what)))


@cache
def _insert(dialect: str, table: Table) -> Executable:
    # built once: building costs more than running
    kind = sqlite if dialect == "sqlite" else postgresql
    statement: Executable = kind.insert(table).on_conflict_do_nothing()
    # without the option SQLAlchemy throws the row count of an INSERT away on PostgreSQL
    return statement.execution_options(preserve_rowcount=True)
