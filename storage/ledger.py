"""The ledger: connections to the SQLite file or the PostgreSQL database that holds all facts.

SQLite: one connection per process can write, under the lock of `storage.lock`; readers open the
file read-only. Never open the ledger file by other means inside a process that uses it: closing
any descriptor of it drops SQLite's own locks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.pool import NullPool, QueuePool

from storage.errors import DiskFullError, WorkspaceError, WrongInputError
from storage.lock import TIMEOUT_SECONDS, LedgerLock

__all__ = ["Connection", "Ledger", "sqlite_url"]

BUSY_MS = 5000
# what a wrong statement raises, as against a database in trouble
_OUR_MISTAKES = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
# the transaction of a client that hangs must not hold up others for ever
_POSTGRESQL_OPTIONS = (
    "-c synchronous_commit=on -c statement_timeout=60000 -c lock_timeout=30000"
    " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
)


class Ledger:
    """The database of one workspace. Safe to share between threads, not across a fork."""

    def __init__(self, url: str, *, lock_timeout: float = TIMEOUT_SECONDS) -> None:
        """Prepare access; nothing is opened yet.

        Args:
            url: `sqlite:////absolute/path` or `postgresql://user@host/database`.
            lock_timeout: seconds that a write waits for its turn.

        Raises:
            WrongInputError: the URL names no database that can hold a ledger.
        """
        self.url = url
        parsed = _parse(url)
        self.path = Path(str(parsed.database)) if parsed.drivername == "sqlite" else None
        self._closed = False
        self._writer: Connection | None = None
        if self.path is None:
            self._writers = self._readers = _postgresql(parsed)
        else:
            self._lock = LedgerLock(self.path, lock_timeout)
            self._writers = _sqlite(self.path, writable=True)
            self._readers = _sqlite(self.path, writable=False)

    @property
    def is_sqlite(self) -> bool:
        return self.path is not None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the ledger and cannot change it.

        Raises:
            WorkspaceError: the database cannot be reached or read.
        """
        self._check_open()
        with self.explained(), self._readers.connect() as connection:
            if self.path is None:
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, rolled back on an error.

        Raises:
            WorkspaceError: the lock was not free in time, or the database cannot be written.
        """
        if self.path is None:
            self._check_open()
            with self.explained(), self._writers.begin() as connection:
                yield connection
            return
        with self.alone() as connection, connection.begin():
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """The write connection outside any transaction; on SQLite, under the lock.

        For migrations and backups; everything else uses `write`.
        """
        self._check_open()
        if self.path is None:
            with self.explained(), self._writers.connect() as connection:
                yield connection
            return
        with self.explained(), self._lock.hold():
            if self._writer is None:
                self._writer = self._writers.connect()
            try:
                yield self._writer
            except BaseException as error:
                # after a full disk or an I/O error the connection's own state is not trusted
                if _is_trouble(error):
                    self._drop_writer()
                raise

    def close(self) -> None:
        """Close all connections; closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        # readers first: the last connection to close checkpoints, and a reader cannot
        self._readers.dispose()
        if self.path is not None and self._writer is not None:
            with self._lock.hold():
                self._drop_writer()

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.invalidate()
            self._writer.close()
            self._writer = None

    def _check_open(self) -> None:
        if self._closed:
            raise WorkspaceError("The ledger was closed.", "Open the workspace again.")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Inside the block, trouble with the database becomes a WorkspaceError."""
        try:
            yield
        except DBAPIError as error:
            if not _is_trouble(error):
                raise
            place = self.path or make_url(self.url).render_as_string(hide_password=True)
            kind = DiskFullError if _is_full(str(error.orig)) else WorkspaceError
            raise kind(
                f"The ledger {place} failed: {_first_line(error)}.", _advice(str(error.orig))
            ) from error


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite ledger in this file, whatever characters its path has."""
    url = URL.create("sqlite", database=str(path.absolute()))
    return url.render_as_string(hide_password=False)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise WrongInputError("The ledger's URL cannot be read.", _URL_HELP) from None
    kind = parsed.get_backend_name()
    if kind == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and parsed.database and ":memory:" not in parsed.database:
        return parsed.set(drivername="sqlite")
    raise WrongInputError(
        f"{parsed.render_as_string(hide_password=True)!r} cannot hold a ledger.", _URL_HELP
    )


_URL_HELP = "Use sqlite:////absolute/path/ledger.sqlite or postgresql://user:password@host/name."


def _sqlite(path: Path, *, writable: bool) -> Engine:
    """Transactions begin when we say so: IMMEDIATE to write, so that no upgrade can fail later."""
    uri = f"file:{quote(str(path.absolute()))}?mode={'rwc' if writable else 'ro'}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False
        )
        for setting in ("foreign_keys=ON", "trusted_schema=OFF", f"busy_timeout={BUSY_MS}"):
            connection.execute(f"PRAGMA {setting}")
        if writable:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA mmap_size=0")
        return connection

    if writable:
        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    else:
        engine = create_engine(
            "sqlite://", creator=connect, poolclass=QueuePool, pool_size=8, max_overflow=-1
        )

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writable else "BEGIN")

    event.listen(engine, "begin", begin)
    return engine


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=32,
        connect_args={"options": _POSTGRESQL_OPTIONS, "application_name": "pairwright"},
    )


def _is_trouble(error: BaseException | None) -> bool:
    """Whether the database itself failed, as against a wrong statement or an error of ours."""
    while error is not None:
        if isinstance(error, DBAPIError):
            return not isinstance(error, _OUR_MISTAKES)
        error = error.__cause__
    return False


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or ["no reason given"])[0].rstrip(".")


def _is_full(reason: str) -> bool:
    return "disk is full" in reason or "No space left" in reason


def _advice(reason: str) -> str:
    """What to do about the usual reasons, from the words of SQLite and PostgreSQL."""
    if _is_full(reason):
        return "Free some space; nothing of this change was kept, so try it again."
    if "unable to open" in reason or "readonly database" in reason:
        return "Check that the file and its folder exist and that you may write to them."
    if "disk I/O error" in reason:
        return "Check the disk: it fails, or a quota or a limit on file sizes is reached."
    if "malformed" in reason or "not a database" in reason:
        return "Restore the ledger from a backup."
    if "is locked" in reason:
        return "Another program holds the file open for writing; close it and try again."
    return "Check that the database is running and reachable, and try again."
