"""What changed from one dataset version to another: pairs added, removed, flipped, moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.rows import DatasetRow


@dataclass(frozen=True)
class Change:
    """A pair that is in both versions, as it was and as it is."""

    before: DatasetRow
    after: DatasetRow


@dataclass(frozen=True)
class CategoryDiff:
    """Counts of one category. A pair that flipped and moved counts in both."""

    category: str
    before: int
    after: int
    added: int
    removed: int
    flipped: int
    moved: int
    unchanged: int


@dataclass(frozen=True)
class DatasetDiff:
    """The pairs of two versions compared by their ids, each list by pair id.

    Attributes:
        added: only in the later one.
        removed: only in the earlier one.
        flipped: in both, with chosen and rejected exchanged.
        moved: in both, on different sides of the split.
        unchanged: in both, with the same chosen answer on the same side.
    """

    added: Sequence[DatasetRow]
    removed: Sequence[DatasetRow]
    flipped: Sequence[Change]
    moved: Sequence[Change]
    unchanged: Sequence[DatasetRow]
    categories: Sequence[CategoryDiff]

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.flipped or self.moved)


def compare(before: Iterable[DatasetRow], after: Iterable[DatasetRow]) -> DatasetDiff:
    """What has to happen to `before` to become `after`."""
    old = {row.pair_id: row for row in before}
    new = {row.pair_id: row for row in after}
    kept = [Change(old[pair], new[pair]) for pair in sorted(old.keys() & new.keys())]
    added = [new[pair] for pair in sorted(new.keys() - old.keys())]
    removed = [old[pair] for pair in sorted(old.keys() - new.keys())]
    flipped = [both for both in kept if both.before.chosen != both.after.chosen]
    moved = [both for both in kept if both.before.split != both.after.split]
    changed = {both.after.pair_id for both in (*flipped, *moved)}
    unchanged = [both.after for both in kept if both.after.pair_id not in changed]
    sizes = {
        "before": _by_category(old.values()),
        "after": _by_category(new.values()),
        "added": _by_category(added),
        "removed": _by_category(removed),
        "flipped": _by_category(both.after for both in flipped),
        "moved": _by_category(both.after for both in moved),
        "unchanged": _by_category(unchanged),
    }
    names = sorted({name for counts in sizes.values() for name in counts})
    categories = [
        CategoryDiff(name, **{kind: counts[name] for kind, counts in sizes.items()})
        for name in names
    ]
    return DatasetDiff(added, removed, flipped, moved, unchanged, categories)


def _by_category(rows: Iterable[DatasetRow]) -> Counter[str]:
    return Counter(row.prompt.category for row in rows)
