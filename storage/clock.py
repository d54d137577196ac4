"""The database's clock: the one time that leases and records go by."""

from __future__ import annotations

from sqlalchemy.engine import Connection

SECOND = 1_000_000
DAY = 86_400 * SECOND

# unixepoch('now', 'subsec') is NULL before SQLite 3.42, so the Julian day is used. It is exact to
# the millisecond only.
_SQLITE = "SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"
# clock_timestamp() moves on inside a transaction, now() does not
_POSTGRESQL = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"


def now(db: Connection) -> int:
    """Microseconds since 1970-01-01 UTC by the database's clock."""
    query = _SQLITE if db.dialect.name == "sqlite" else _POSTGRESQL
    return int(db.exec_driver_sql(query).scalar_one())
