"""Figures from sealed segments and the live tail of the ledger, by DuckDB.

    with analytics.open(workspace).reading() as view:
        votes = view.effective(batch.id)
    scores = analytics.open(workspace).read(SegmentKind.SCORES, checkpoint="c", split="holdout")

What one `reading` answers belongs to one state of the ledger; a committed vote is in the next one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import polars

from storage import segments
from storage.analytics.coding import Coding
from storage.analytics.engine import Cursor, Engine
from storage.analytics.tails import Tails
from storage.analytics.view import View
from storage.segments import SegmentKind
from storage.workspace import Workspace

__all__ = ["Analytics", "View", "open"]

_Value = TypeVar("_Value")
_MOST_KEPT = 256


@dataclass
class _Shared:
    """What all visitors of one workspace in this process share."""

    engine: Engine
    coding: Coding
    tails: Tails = field(default_factory=Tails)
    lock: threading.Lock = field(default_factory=threading.Lock)
    kept: OrderedDict[Hashable, tuple[Hashable, Any]] = field(default_factory=OrderedDict)
    kept_lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Analytics:
    """The analytics of one workspace. Safe to share between threads."""

    workspace: Workspace
    _shared: _Shared

    @contextmanager
    def reading(self) -> Iterator[View]:
        """The state of the ledger as it is now, to ask several questions that agree.

        Raises:
            DamagedError: a segment is missing or was cut.
        """
        shared = self._shared
        with shared.lock, self.workspace.ledger.read() as db:
            snapshot = shared.tails.refresh(db, self.workspace)
            coded = shared.coding.refresh(db, snapshot)
        with shared.engine.cursor({**snapshot.frames, "numbered": coded.numbered}) as cursor:
            yield View(cursor, snapshot, coded)

    def read(
        self, kind: SegmentKind, columns: Sequence[str] = (), **equals: str | int | float | bool
    ) -> polars.DataFrame:
        """Sealed rows of a kind, such as `read(SegmentKind.SCORES, checkpoint="c", split="all")`.

        Needs no live rows, so it is quicker than `reading` for what is only ever sealed.

        Args:
            columns: those wanted, all by default.
            equals: column -> value that it has. A column that no segment has matches nothing.

        Returns:
            An empty frame without columns when nothing of this kind was sealed or nothing matches
            for lack of a column.

        Raises:
            DamagedError: a segment is missing or cannot be read.
        """
        with self.workspace.ledger.read() as db:
            found = segments.listed(db, kind)
        paths = segments.paths(self.workspace, found)
        with self._shared.engine.cursor({}) as cursor:
            return _selected(cursor, paths, columns, equals)

    def kept(self, key: Hashable, mark: Hashable, compute: Callable[[], _Value]) -> _Value:
        """What was computed for this key and mark before, else what `compute` says now.

        Args:
            key: what is asked for; of each the value of one mark is kept.
            mark: a mark of the view that covers all facts that the value depends on.
        """
        shared = self._shared
        with shared.kept_lock:
            known = shared.kept.get(key)
            if known is not None and known[0] == mark:
                shared.kept.move_to_end(key)
                return cast(_Value, known[1])
        value = compute()
        with shared.kept_lock:
            shared.kept[key] = (mark, value)
            shared.kept.move_to_end(key)
            while len(shared.kept) > _MOST_KEPT:
                shared.kept.popitem(last=False)
        return value


_opened: WeakKeyDictionary[Workspace, _Shared] = WeakKeyDictionary()
_opening = threading.Lock()


def open(workspace: Workspace) -> Analytics:
    """The analytics of an open workspace; the same connection and tail for as long as it lives."""
    with _opening:
        shared = _opened.get(workspace)
        if shared is None:
            engine = Engine(segments.folder(workspace))
            shared = _opened[workspace] = _Shared(engine, Coding())
    return Analytics(workspace, shared)


def _selected(
    cursor: Cursor, paths: Sequence[str], columns: Sequence[str], equals: Mapping[str, Any]
) -> polars.DataFrame:
    if not paths:
        return polars.DataFrame()
    values = {"segments": list(paths)}
    source = "read_parquet($segments, union_by_name = true)"
    there = cursor.query(f"SELECT * FROM {source} LIMIT 0", values).columns  # noqa: S608
    if not {*columns, *equals} <= set(there):
        return polars.DataFrame()
    # names of columns that a segment has; values are parameters
    chosen = ", ".join(f'"{name}"' for name in columns or there)
    named = {f"value_{number}": value for number, value in enumerate(equals.values())}
    wanted = (f'"{name}" = ${value}' for name, value in zip(equals, named, strict=True))
    where = " AND ".join(wanted) or "true"
    return cursor.query(f"SELECT {chosen} FROM {source} WHERE {where}", values | named)  # noqa: S608
