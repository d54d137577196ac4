"""Whether what is on disk is sound: the ledger's own checks, and media against their ids.

Everything here only reads.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import func, select

from storage import browser_sizes, pictures, tables
from storage.errors import PairwrightError, WorkspaceError
from storage.ledger import Connection
from storage.lock import LedgerLock
from storage.rows import Media
from storage.workspace import Workspace

_LOCK_SECONDS = 2.0
# times that a clock set back leaves behind, and where they are
_TIMES = (tables.votes.c.received_at, tables.jobs.c.created_at, tables.pairs.c.created_at)


def sqlite_version() -> str:
    """The version of the SQLite that Python brings."""
    return sqlite3.sqlite_version


def ledger_faults(db: Connection) -> list[str]:
    """What the integrity checks of SQLite find, in words; empty when the ledger is sound."""
    if db.dialect.name != "sqlite":
        return []
    found = [str(row[0]) for row in db.exec_driver_sql("PRAGMA quick_check(5)")]
    faults = [] if found == ["ok"] else found
    for row in db.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5):
        faults.append(f"a row of {row[0]} points to a row of {row[2]} that does not exist")
    return faults


def wait_for_lock(ledger: Path) -> str:
    """Take and give back the write lock; what kept it for two seconds, or empty."""
    try:
        with LedgerLock(ledger, _LOCK_SECONDS).hold():
            return ""
    except WorkspaceError as error:
        return error.what


def newest_time(db: Connection) -> int:
    """The latest time that the ledger recorded, microseconds since 1970 UTC; 0 when empty."""
    return max(int(db.execute(select(func.max(time))).scalar() or 0) for time in _TIMES)


def media_rows(db: Connection) -> list[Media]:
    """All recorded media, by id, which is as good as shuffled."""
    table = tables.media
    query = select(
        table.c.id, table.c.kind, table.c.mime, table.c.width, table.c.height, table.c.size
    ).order_by(table.c.id)
    return [Media(*row) for row in db.execute(query)]


def damaged_media(workspace: Workspace, rows: Sequence[Media]) -> list[str]:
    """Ids of media whose bytes are missing or do not have the id that they are stored under."""
    return [row.id for row in rows if not _is_whole(workspace, row)]


def damaged_browser_sizes(workspace: Workspace, rows: Sequence[Media]) -> list[str]:
    """Files of browser sizes that cannot be shown. A missing one is no damage: it is made anew."""
    store, name = workspace.media, browser_sizes.NAME
    large = [row.id for row in rows if browser_sizes.is_large(row)]
    return [
        store.path_beside(id_, name) for id_ in large if not _can_be_shown(store.beside(id_, name))
    ]


def _can_be_shown(data: bytes | None) -> bool:
    try:
        return not data or bool(pictures.open_picture(data))
    except PairwrightError:
        return False


def _is_whole(workspace: Workspace, row: Media) -> bool:
    try:
        data = workspace.media.read(row.id)
        if len(data) != row.size:
            return False
        if row.kind == "picture":
            return pictures.normalize(data)[0].id == row.id
        return hashlib.sha256(data).hexdigest() == row.id
    except PairwrightError:
        return False
