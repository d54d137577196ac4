"""The version of the ledger's schema: create it, check it, migrate it forward.

SQLite is migrated when a workspace is opened, after a backup; PostgreSQL only by `pairwright init`.
Alembic is imported only where a migration runs, so that opening a current ledger stays quick.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, text

from storage.errors import DamagedError, WorkspaceError
from storage.ledger import Connection, Ledger

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0011"
VERSION_TABLE = "pairwright_schema"
SCRIPTS = Path(__file__).parent / "migrations"
# any number: two processes that migrate one PostgreSQL database take turns on it
_ADVISORY_LOCK = 7_245_150_001


def revision(db: Connection) -> str | None:
    """The schema's revision in this ledger, or None when it has no schema yet."""
    if not inspect(db).has_table(VERSION_TABLE):
        return None
    found: str | None = db.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return found


def upgrade(ledger: Ledger, backups: Path) -> Path | None:
    """Bring the schema to `HEAD`; nothing happens when it is there.

    Args:
        ledger: empty, of any older revision, or current.
        backups: folder where a filled SQLite ledger is copied before it is migrated.

    Returns:
        The backup, when one was made.

    Raises:
        WorkspaceError: the schema is newer than this code.
        DamagedError: rows point to rows that do not exist; nothing was changed.
    """
    with ledger.alone() as connection:
        found = revision(connection)
        connection.rollback()
        if found == HEAD:
            return None
        refuse_unknown(found, ledger)
        if not ledger.is_sqlite:
            _migrate(connection)
            return None
        backup = None if found is None else _back_up(connection, backups, found)
        # recreating a table with foreign keys on would delete the rows that point to it
        _pragma(connection, "foreign_keys=OFF")
        try:
            _migrate(connection)
        finally:
            _pragma(connection, "foreign_keys=ON")
        return backup


def require_current(ledger: Ledger) -> None:
    """Refuse a ledger whose schema is not the one of this code.

    Raises:
        WorkspaceError: the schema is missing, older or newer.
    """
    with ledger.read() as db:
        found = revision(db)
    if found == HEAD:
        return
    refuse_unknown(found, ledger)
    raise WorkspaceError(
        f"The ledger has schema {found or 'none'}, and this version needs {HEAD}.",
        "Back up the database, then run `pairwright init` to migrate it.",
    )


def refuse_unknown(found: str | None, ledger: Ledger) -> None:
    """Refuse a revision that this code does not know.

    Raises:
        WorkspaceError: the ledger was written by a newer version.
    """
    if found is not None and found not in revisions():
        raise WorkspaceError(
            f"The ledger has schema {found}, which is newer than this version knows ({HEAD}).",
            "Install the newer version of Pairwright that wrote it. Nothing was changed.",
        )


def revisions() -> list[str]:
    """All revisions, first to last; they are one line."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config())
    return [script.revision for script in scripts.walk_revisions()][::-1]


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    # a % in the path would be read as an interpolation
    folder = str(SCRIPTS).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    return config


def _migrate(connection: Connection) -> None:
    from alembic import command

    with connection.begin():
        if connection.dialect.name != "sqlite":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
        if connection.dialect.name == "sqlite":
            _check_foreign_keys(connection)


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise DamagedError(
            f"A row of {broken[0]} points to a row of {broken[2]} that does not exist.",
            "The ledger was left as it was. Restore a backup, or report this as a bug.",
        )


def _back_up(connection: Connection, folder: Path, found: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    backup = folder / f"ledger-{found}-{stamp}.sqlite"
    _driver(connection).execute("VACUUM INTO ?", (str(backup),))
    handle = os.open(backup, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return backup


def _pragma(connection: Connection, setting: str) -> None:
    # foreign_keys is ignored inside a transaction, and SQLAlchemy would begin one
    _driver(connection).execute(f"PRAGMA {setting}")


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
