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

import polars

from storage import segments
from storage.analytics import facts
from storage.analytics.facts import LABELS, PAIRS, SEALED, VOTES, Log
from storage.clock import SECOND
from storage.ledger import Connection
from storage.segments import Segment, SegmentKind
from storage.workspace import Workspace

# how far before the newest known row commits are looked for; longer ago, the count tells
LOOK_BACK = 60 * SECOND
_MOST_PIECES = 64
_NAMES: Mapping[str, Log] = {"votes": VOTES, "pairs": PAIRS, "labels": LABELS}


@dataclass(frozen=True)
class Snapshot:
    """One state of all facts.

    Attributes:
        mark: the same for two snapshots only when they hold the same facts.
        segments: of each kind, paths of files that hold the sealed part.
        tails: `votes`, `pairs`, `labels`: rows that are in no segment; `members`: all pairs of all
            batches.
        counts: rows of each log, sealed and not.
    """

    mark: tuple[object, ...]
    segments: Mapping[SegmentKind, Sequence[str]]
    tails: Mapping[str, polars.DataFrame]
    counts: Mapping[str, int]


class Tails:
    """Follows the ledger of one workspace. One thread at a time calls `refresh`."""

    def __init__(self) -> None:
        self._tails = {name: log.empty() for name, log in _NAMES.items()}
        self._sealed: dict[SegmentKind, tuple[Segment, ...]] = {}
        self._members: dict[str, polars.DataFrame] = {}
        self._joined = polars.DataFrame(schema=facts.MEMBERS)
        self._marks: Mapping[str, int] = {}
        self._snapshot: Snapshot | None = None

    def refresh(self, workspace: Workspace) -> Snapshot:
        """The state of the ledger now.

        Raises:
            DamagedError: the file of a segment is missing or was cut.
        """
        with workspace.ledger.read() as db:
            sealed = {log.kind: tuple(segments.listed(db, log.kind)) for log in SEALED if log.kind}
            marks = facts.marks(db)
            if self._snapshot is not None and (sealed, marks) == (self._sealed, self._marks):
                return self._snapshot
            paths = {kind: segments.paths(workspace, found) for kind, found in sealed.items()}
            for name, log in _NAMES.items():
                if self._has_changed(name, log, sealed, marks):
                    found = sealed[log.kind] if log.kind else ()
                    self._tails[name] = self._tail(db, name, log, found, paths)
            if marks["members"] != self._marks.get("members"):
                self._refresh_members(db)
        self._sealed, self._marks = sealed, marks
        self._snapshot = self._taken(paths)
        return self._snapshot

    def _has_changed(
        self,
        name: str,
        log: Log,
        sealed: Mapping[SegmentKind, tuple[Segment, ...]],
        marks: Mapping[str, int],
    ) -> bool:
        moved = log.kind is not None and sealed[log.kind] != self._sealed.get(log.kind)
        return moved or marks[name] != self._marks.get(name)

    def _taken(self, paths: Mapping[SegmentKind, Sequence[str]]) -> Snapshot:
        counts = {name: frame.height for name, frame in self._tails.items()}
        for name, log in _NAMES.items():
            counts[name] += sum(s.rows for s in self._sealed[log.kind]) if log.kind else 0
        names = tuple(s.id for found in self._sealed.values() for s in found)
        tails = {**self._tails, "members": self._joined}
        return Snapshot((*self._marks.values(), *names), dict(paths), tails, counts)

    def _tail(
        self,
        db: Connection,
        name: str,
        log: Log,
        sealed: Sequence[Segment],
        paths: Mapping[SegmentKind, Sequence[str]],
    ) -> polars.DataFrame:
        """The rows of a log that no segment holds."""
        bound = sealed_until(sealed)
        wanted = log.count(db) - sum(segment.rows for segment in sealed)
        tail = self._tails[name]
        if log.kind and sealed != self._sealed.get(log.kind, ()):
            # what came late may be in a segment now
            tail = tail.filter(polars.col(log.time) > bound)
        known = tail[log.time].max()
        start = max(bound, int(known) - LOOK_BACK) if isinstance(known, int) else bound
        tail = _together(tail, log.after(db, start), log)
        if tail.height != wanted:
            tail = log.after(db, bound)
        if tail.height != wanted and log.kind:
            tail = _together(tail, _late(db, log, paths[log.kind], bound), log)
        return tail

    def _refresh_members(self, db: Connection) -> None:
        counts = facts.member_counts(db)
        changed = [b for b, n in counts.items() if n != self._height(b)]
        if changed:
            self._members.update({batch: facts.members(db, batch) for batch in changed})
            self._joined = polars.concat(list(self._members.values()))

    def _height(self, batch: str) -> int:
        known = self._members.get(batch)
        return 0 if known is None else known.height


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
    for path in paths:
        try:
            found.append(polars.read_parquet(path, columns=[log.name])[log.name])
        except (OSError, polars.exceptions.PolarsError) as error:
            raise segments.damage(path) from error
    return polars.concat(found)


def _together(one: polars.DataFrame, other: polars.DataFrame, log: Log) -> polars.DataFrame:
    """Both, each row once."""
    if one.is_empty() or other.is_empty():
        return other if one.is_empty() else one
    fresh = other.join(one.select(log.name), on=log.name, how="anti")
    if fresh.is_empty():
        return one
    # row after row for hours would make a frame of many small pieces
    return polars.concat([one, fresh], rechunk=one.n_chunks() > _MOST_PIECES)
