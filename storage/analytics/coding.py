"""Keeps the columns of small numbers up to date: all is read once, then what came since.

What came since is known for sure only when it is as many rows as the logs grew by. Where it is not,
because a row came with a time from before or a segment was damaged, all is read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars

from storage import exclusions
from storage.analytics import coded, facts
from storage.analytics.coded import Coded, Numbers
from storage.analytics.engine import Engine
from storage.analytics.growth import COUNTED_KINDS, grown
from storage.analytics.tails import Snapshot
from storage.exclusions import Exclusions
from storage.ledger import Connection

_PAIRS = "SELECT pair_id, category, created_at FROM {pairs} ORDER BY created_at, pair_id"
# votes and undos of an assignment take turns: an undo takes back the event before it
_VOTES = """
    SELECT p.pair, b.number AS batch, a.number AS annotator, v.verdict, v.assignment_kind AS kind,
        v.received_at, v.active_ms
    FROM (
        SELECT * FROM {votes} WHERE kind = 'vote' AND list_contains($counted, assignment_kind)
    ) v
    ANTI JOIN (SELECT assignment_id, sequence FROM {votes} WHERE kind = 'undo') u
        ON u.assignment_id = v.assignment_id AND u.sequence = v.sequence + 1
    JOIN numbered p ON p.pair_id = v.pair_id
    JOIN batches b ON b.name = v.batch_id
    JOIN annotators a ON a.name = v.annotator
    ORDER BY v.received_at, v.assignment_id
"""


class Coding:
    """Follows the snapshots of one workspace. One thread at a time calls `refresh`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: Snapshot | None = None
        self._coded = Coded()

    def refresh(self, db: Connection, snapshot: Snapshot) -> Coded:
        """The columns of a snapshot.

        Args:
            db: a connection that sees what the snapshot was taken of.

        Raises:
            DamagedError: a segment cannot be read.
            WorkspaceError: reading all needs too much memory.
        """
        if snapshot is self._known:
            return self._coded
        named = self._named(db)
        longer = None if self._known is None else grown(named, self._known, snapshot)
        found = self._read(named, snapshot) if longer is None else longer
        self._coded = replace(
            found,
            members=self._members(db, found, snapshot, is_anew=longer is None),
            labeled=self._labeled(db, snapshot),
            exclusions=self._exclusions(db, snapshot),
        )
        self._known = snapshot
        return self._coded

    def _named(self, db: Connection) -> Coded:
        """The known columns with the batches and annotators of now; numbers stay what they are."""
        return replace(
            self._coded,
            batches=_longer(self._coded.batches, facts.batch_ids(db)),
            annotators=_longer(self._coded.annotators, facts.annotator_names(db)),
        )

    def _read(self, named: Coded, snapshot: Snapshot) -> Coded:
        """Everything anew."""
        with self._engine.cursor(snapshot.frames) as cursor:
            pairs = cursor.query(*snapshot.filled(_PAIRS))
        found = replace(named, pairs=pairs)
        numbers = {
            "numbered": found.numbered,
            "batches": _numbered(found.batches),
            "annotators": _numbered(found.annotators),
        }
        with self._engine.cursor({**snapshot.frames, **numbers}) as cursor:
            votes = cursor.query(*snapshot.filled(_VOTES, {"counted": COUNTED_KINDS}))
        kinds = [polars.col(name).cast(kind) for name, kind in coded.VOTES.items()]
        changed = dict.fromkeys(found.batches, snapshot.counts["votes"])
        return replace(found, votes=votes.select(kinds), changed=changed)

    def _members(
        self, db: Connection, found: Coded, snapshot: Snapshot, *, is_anew: bool
    ) -> Mapping[str, Numbers]:
        known = {} if is_anew else dict(self._coded.members)
        if is_anew or self._has_moved(snapshot, "members"):
            for batch, count in facts.member_counts(db).items():
                if count != len(known.get(batch, ())):
                    known[batch] = found.numbers_of(facts.members(db, batch))
        return known

    def _labeled(self, db: Connection, snapshot: Snapshot) -> Mapping[str, int]:
        return facts.labeled(db) if self._has_moved(snapshot, "labels") else self._coded.labeled

    def _exclusions(self, db: Connection, snapshot: Snapshot) -> Exclusions:
        has_moved = self._has_moved(snapshot, "exclusions")
        return exclusions.in_force(db) if has_moved else self._coded.exclusions

    def _has_moved(self, snapshot: Snapshot, name: str) -> bool:
        return self._known is None or snapshot.marks[name] != self._known.marks[name]


def _longer(known: Sequence[str], found: Sequence[str]) -> Sequence[str]:
    there = set(known)
    return (*known, *(name for name in found if name not in there))


def _numbered(names: Sequence[str]) -> polars.DataFrame:
    frame = polars.DataFrame({"name": names}, schema={"name": polars.String})
    return frame.with_row_index("number")
