"""Keeps the columns of small numbers up to date: all is read once, then what came since.

What came since is known for sure only when it is as many rows as the logs grew by. Where it is not,
because a row came with a time from before or a segment was damaged, all is read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from storage import exclusions
from storage.analytics import facts, whole
from storage.analytics.coded import Coded, Numbers
from storage.analytics.growth import grown
from storage.analytics.tails import Snapshot
from storage.exclusions import Exclusions
from storage.ledger import Connection


class Coding:
    """Follows the snapshots of one workspace. One thread at a time calls `refresh`."""

    def __init__(self) -> None:
        self._known: Snapshot | None = None
        self._coded = Coded()

    def refresh(self, db: Connection, snapshot: Snapshot) -> Coded:
        """The columns of a snapshot.

        Args:
            db: a connection that sees what the snapshot was taken of.

        Raises:
            DamagedError: a segment cannot be read.
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
        found = replace(named, pairs=whole.pairs(snapshot))
        changed = dict.fromkeys(found.batches, snapshot.counts["votes"])
        return replace(found, votes=whole.votes(found, snapshot), changed=changed)

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
        names = ("exclusions", "excluded_pairs")
        has_moved = any(self._has_moved(snapshot, name) for name in names)
        return exclusions.in_force(db) if has_moved else self._coded.exclusions

    def _has_moved(self, snapshot: Snapshot, name: str) -> bool:
        return self._known is None or snapshot.marks[name] != self._known.marks[name]


def _longer(known: Sequence[str], found: Sequence[str]) -> Sequence[str]:
    there = set(known)
    return (*known, *(name for name in found if name not in there))
