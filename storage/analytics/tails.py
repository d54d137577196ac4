"""What analytics knows beyond the sealed segments: the live tail of each log, kept up to date.

Nothing is lost and nothing is counted twice, whatever the order in which commits become visible.
The tail holds what came after the newest sealed row; at every change the last minutes of it are
read again, because another writer may commit a row with an earlier time, and rows are told apart
by name. Then the ledger is counted. Where segments and tail together have fewer rows, one came with
a time from before: the tail is read whole, and if that is not enough, the rows that no segment
holds are found by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars

from storage import segments
from storage.analytics import facts
from storage.analytics.facts import SEALED, Log
from storage.clock import SECOND
from storage.ledger import Connection
from storage.segments import Segment, SegmentKind
from storage.workspace import Workspace

# how far before the newest known row commits are looked for; longer ago, the count tells
LOOK_BACK = 60 * SECOND
_MOST_PIECES = 64
# what stands for the sealed and the live rows of a log in a statement
_SEALED = "read_parquet(${name}_segments, union_by_name = true)"
_BOTH = f"(SELECT * FROM {_SEALED} UNION ALL BY NAME SELECT * FROM {{name}}_tail)"  # noqa: S608


@dataclass(frozen=True)
class Snapshot:
    """One state of all facts.

    Attributes:
        marks: for `votes`, `pairs`, `labels`, `members`, `exclusions` and `excluded_pairs` a number
            that grows with every row.
        sealed, paths: of each kind, the segments that hold the sealed part, and their files.
        tails: of each log, by the name of its kind, the rows that are in no segment.
        counts: rows of each log, sealed and not.
    """

    marks: Mapping[str, int]
    sealed: Mapping[SegmentKind, Sequence[Segment]]
    paths: Mapping[SegmentKind, Sequence[str]]
    tails: Mapping[str, polars.DataFrame]
    counts: Mapping[str, int]

    @property
    def mark(self) -> tuple[object, ...]:
        """The same for two snapshots only when they hold the same facts."""
        names = (segment.id for found in self.sealed.values() for segment in found)
        return (*self.marks.values(), *names)

    @property
    def mark_of_pairs(self) -> tuple[object, ...]:
        """The same for two snapshots only when they hold the same pairs."""
        return (self.marks["pairs"], *(segment.id for segment in self.sealed[SegmentKind.PAIRS]))

    @property
    def frames(self) -> Mapping[str, polars.DataFrame]:
        """The tables that a filled statement reads besides files."""
        return {f"{name}_tail": tail for name, tail in self.tails.items()}

    def filled(
        self, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """A statement in which `{votes}` and `{pairs}` are their sealed and live rows together,
        and its parameters."""
        places: dict[str, str] = {}
        values = dict(parameters or {})
        for kind, paths in self.paths.items():
            name = kind.value
            places[name] = f"{name}_tail"
            if paths and f"{{{name}}}" in sql:
                places[name] = _BOTH.format(name=name)
                values[f"{name}_segments"] = list(paths)
        return sql.format(**places), values


class Tails:
    """Follows the ledger of one workspace. One thread at a time calls `refresh`."""

    def __init__(self) -> None:
        self._tails = {log.kind.value: log.empty() for log in SEALED}
        self._sealed: dict[SegmentKind, tuple[Segment, ...]] = {}
        self._marks: Mapping[str, int] = {}
        self._snapshot: Snapshot | None = None

    def refresh(self, db: Connection, workspace: Workspace) -> Snapshot:
        """The state of the ledger as this connection sees it.

        Raises:
            DamagedError: the file of a segment is missing or was cut.
        """
        sealed = {log.kind: tuple(segments.listed(db, log.kind)) for log in SEALED}
        marks = facts.marks(db)
        if self._snapshot is not None and (sealed, marks) == (self._sealed, self._marks):
            return self._snapshot
        paths = {kind: segments.paths(workspace, found) for kind, found in sealed.items()}
        for log in SEALED:
            if self._has_changed(log, sealed, marks):
                self._tails[log.kind.value] = self._tail(db, log, sealed[log.kind], paths[log.kind])
        self._sealed, self._marks = sealed, marks
        self._snapshot = self._taken(paths)
        return self._snapshot

    def _has_changed(
        self,
        log: Log,
        sealed: Mapping[SegmentKind, tuple[Segment, ...]],
        marks: Mapping[str, int],
    ) -> bool:
        has_moved = sealed[log.kind] != self._sealed.get(log.kind)
        return has_moved or marks[log.kind.value] != self._marks.get(log.kind.value)

    def _taken(self, paths: Mapping[SegmentKind, Sequence[str]]) -> Snapshot:
        counts = {name: frame.height for name, frame in self._tails.items()}
        for kind, found in self._sealed.items():
            counts[kind.value] += sum(segment.rows for segment in found)
        return Snapshot(self._marks, dict(self._sealed), dict(paths), dict(self._tails), counts)

    def _tail(
        self, db: Connection, log: Log, sealed: Sequence[Segment], paths: Sequence[str]
    ) -> polars.DataFrame:
        """The rows of a log that no segment holds."""
        bound = sealed_until(sealed)
        wanted = log.count(db) - sum(segment.rows for segment in sealed)
        tail = self._tails[log.kind.value]
        if sealed != self._sealed.get(log.kind, ()):
            # what came late may be in a segment now
            tail = tail.filter(polars.col(log.time) > bound)
        known = tail[log.time].max()
        start = max(bound, int(known) - LOOK_BACK) if isinstance(known, int) else bound
        tail = _together(tail, log.after(db, start), log)
        if tail.height != wanted:
            tail = log.after(db, bound)
        if tail.height != wanted:
            tail = _together(tail, _late(db, log, paths, bound), log)
        return tail


def sealed_until(sealed: Sequence[Segment]) -> int:
    """The time up to which the rows of a log are sealed, but for those that came late."""
    return max((int(segment.high) for segment in sealed), default=-1)


def _late(db: Connection, log: Log, paths: Sequence[str], bound: int) -> polars.DataFrame:
    """The rows up to `bound` that are in no segment."""
    return log.missing(db, names_in(paths, log), bound)


def names_in(paths: Sequence[str], log: Log) -> polars.Series:
    """The names of the rows in these segments.

    Raises:
        DamagedError: one of them cannot be read.
    """
    found = [polars.Series(log.name, [], polars.String)]
    return polars.concat([*found, *(read_segment(path, [log.name])[log.name] for path in paths)])


def read_segment(path: str, columns: Sequence[str] | None = None) -> polars.DataFrame:
    """The rows of a segment.

    Raises:
        DamagedError: it cannot be read.
    """
    try:
        return polars.read_parquet(path, columns=None if columns is None else list(columns))
    except (OSError, polars.exceptions.PolarsError) as error:
        raise segments.damage(path) from error


def _together(one: polars.DataFrame, other: polars.DataFrame, log: Log) -> polars.DataFrame:
    """Both, each row once."""
    if one.is_empty() or other.is_empty():
        return other if one.is_empty() else one
    fresh = other.join(one.select(log.name), on=log.name, how="anti")
    if fresh.is_empty():
        return one
    # row after row for hours would make a frame of many small pieces
    return polars.concat([one, fresh], rechunk=one.n_chunks() > _MOST_PIECES)
