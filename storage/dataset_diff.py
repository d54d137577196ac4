"""What changed from one dataset version to another: pairs added, removed, flipped, moved.

Worked out on columns: a row becomes an object when somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import polars

from storage import dataset_table
from storage.dataset_table import DatasetTable
from storage.rows import DatasetRow


@dataclass(frozen=True)
class Change:
    """A pair that is in both versions, as it was and as it is."""

    before: DatasetRow
    after: DatasetRow


class Changes(Sequence[Change]):
    """Pairs that are in both versions: two tables with the same pairs in the same order."""

    def __init__(self, before: DatasetTable, after: DatasetTable) -> None:
        self.before = before
        self.after = after

    def __len__(self) -> int:
        return len(self.after)

    def __iter__(self) -> Iterator[Change]:
        return (Change(*both) for both in zip(self.before, self.after, strict=True))

    @overload
    def __getitem__(self, at: int) -> Change: ...
    @overload
    def __getitem__(self, at: slice) -> Changes: ...
    def __getitem__(self, at: int | slice) -> Change | Changes:
        if isinstance(at, slice):
            return Changes(self.before[at], self.after[at])
        return Change(self.before[at], self.after[at])


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


@dataclass(frozen=True, eq=False)
class DatasetDiff:
    """The pairs of two versions compared by their ids, each in the order of these.

    Attributes:
        added: only in the later one.
        removed: only in the earlier one.
        flipped: in both, with chosen and rejected exchanged.
        moved: in both, on different sides of the split.
        unchanged: in both, with the same chosen answer on the same side.
    """

    added: DatasetTable
    removed: DatasetTable
    flipped: Changes
    moved: Changes
    unchanged: DatasetTable
    categories: Sequence[CategoryDiff]

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.flipped or self.moved)


def compare(before: Sequence[DatasetRow], after: Sequence[DatasetRow]) -> DatasetDiff:
    """What has to happen to `before` to become `after`."""
    old, new = (dataset_table.of_rows(rows).by_pair() for rows in (before, after))
    both = _outline(old).join(_outline(new), on="pair_id", how="inner", suffix="_after")
    both = both.sort("pair_id")
    has_flipped = polars.col("chosen") != polars.col("chosen_after")
    has_moved = polars.col("split") != polars.col("split_after")
    kept = {
        "flipped": both.filter(has_flipped),
        "moved": both.filter(has_moved),
        "unchanged": both.filter(~has_flipped & ~has_moved),
    }
    added, removed = _missing(new, old), _missing(old, new)
    flipped, moved = (
        Changes(_taken(old, kept[kind]["row"]), _taken(new, kept[kind]["row_after"]))
        for kind in ("flipped", "moved")
    )
    unchanged = _taken(new, kept["unchanged"]["row_after"])
    sides = {
        "before": old,
        "after": new,
        "added": added,
        "removed": removed,
        "flipped": flipped.after,
        "moved": moved.after,
        "unchanged": unchanged,
    }
    return DatasetDiff(added, removed, flipped, moved, unchanged, _by_category(sides))


def _outline(rows: DatasetTable) -> polars.DataFrame:
    """What is compared of each row; the chosen answer by a hash that stands for its words."""
    part = polars.col("chosen").list.first().struct.field("content").list.first()
    words = part.struct.field("text").hash().alias("chosen")
    return rows.frame.select("pair_id", "split", words).with_row_index("row")


def _missing(rows: DatasetTable, other: DatasetTable) -> DatasetTable:
    """The rows whose pairs the other has not, in their order."""
    return DatasetTable(rows.frame.filter(~polars.col("pair_id").is_in(other.pair_ids.implode())))


def _taken(rows: DatasetTable, places: polars.Series) -> DatasetTable:
    return DatasetTable(rows.frame[places])


def _by_category(sides: dict[str, DatasetTable]) -> list[CategoryDiff]:
    counts = {
        kind: dict(rows.frame["category"].value_counts().iter_rows())
        for kind, rows in sides.items()
    }
    names = sorted({name for counted in counts.values() for name in counted})
    return [
        CategoryDiff(name, **{kind: counted.get(name, 0) for kind, counted in counts.items()})
        for name in names
    ]
