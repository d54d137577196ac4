"""DuckDB, locked down: it reads the segments of one workspace and the frames it is handed.

The order of the settings matters: what comes after `enable_external_access` cannot widen it, and
after `lock_configuration` nothing changes any more. What stays possible is COPY into the folder of
the segments; so no statement contains words of a user (values are parameters) and the files are
read-only. No statement uses a pattern (LIKE, regular expressions) that could be made slow.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars
import pyarrow

from storage import segments
from storage.errors import PairwrightError, WorkspaceError

MEMORY = "512MB"
MOST_SPILL = "2GB"
THREADS = 2
SPILL = ".spill"


class Engine:
    """One connection per workspace and process; every use gets a cursor of its own."""

    def __init__(self, folder: Path) -> None:
        """Prepare a connection that can read below `folder` (absolute) and nowhere else."""
        self._connection = duckdb.connect(":memory:")
        self._lock = threading.Lock()
        for setting in _settings(folder):
            self._connection.execute(setting)

    @contextmanager
    def cursor(self, frames: Mapping[str, polars.DataFrame | pyarrow.Table]) -> Iterator[Cursor]:
        """A cursor that sees these frames as tables; one thread uses it.

        Frames are registered here because a cursor does not see what its connection has.
        """
        with self._lock:
            cursor = self._connection.cursor()
        try:
            for name, frame in frames.items():
                cursor.register(name, _arrow(frame))
            yield Cursor(cursor)
        finally:
            cursor.close()


class Cursor:
    """Runs statements of ours with parameters."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> polars.DataFrame:
        """The rows of one statement.

        Args:
            sql: a constant of ours; values only as `$name`.
            parameters: value of each name that occurs.

        Raises:
            DamagedError: a segment is missing or cannot be read.
            WorkspaceError: the statement needs too much memory.
        """
        try:
            found: polars.DataFrame = self._cursor.sql(sql, params=dict(parameters or {})).pl()
            return found
        except duckdb.Error as error:
            raise _explained(error, parameters or {}) from error


def _arrow(frame: polars.DataFrame | pyarrow.Table) -> pyarrow.Table:
    if isinstance(frame, polars.DataFrame):
        # the newest form is the one that needs no copy
        return frame.to_arrow(compat_level=polars.CompatLevel.newest())
    return frame


def _settings(folder: Path) -> list[str]:
    place = _quoted(f"{folder}/")
    return [
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET allow_community_extensions = false",
        f"SET memory_limit = {_quoted(MEMORY)}",
        f"SET threads = {THREADS}",
        f"SET temp_directory = {_quoted(str(folder / SPILL))}",
        f"SET max_temp_directory_size = {_quoted(MOST_SPILL)}",
        f"SET allowed_directories = [{place}]",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _explained(error: duckdb.Error, parameters: Mapping[str, Any]) -> Exception:
    """An error of ours where there is one for it; a wrong statement of ours stays what it is."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return WorkspaceError(f"A figure needs more than {MEMORY} of memory.", "Narrow the filter.")
    read = [path for value in parameters.values() if isinstance(value, list) for path in value]
    torn = [path for path in read if isinstance(path, str) and path.endswith(".parquet")]
    if torn and isinstance(error, duckdb.IOException | duckdb.InvalidInputException):
        return _damage(str(error), torn)
    return error


def _damage(words: str, read: list[str]) -> PairwrightError:
    named = [path for path in read if path in words]
    return segments.damage((named or read)[0])
