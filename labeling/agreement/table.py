"""Who gave which label to which item, as arrays: the one input of every coefficient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]
Column = Sequence[str] | pl.Series

# judgements that are compared with each other in one go: bounds the memory of pairing them
_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Patterns:
    """Items with the same counts of labels are alike to every coefficient of many raters.

    Attributes:
        counts: (patterns, labels), how many raters gave each label.
        items: (patterns,), how many items have these counts.
    """

    counts: Numbers
    items: Integers

    def ordered(self, columns: Sequence[int]) -> Patterns:
        """The same patterns with the labels in another order."""
        return Patterns(self.counts[:, list(columns)], self.items)


@dataclass(frozen=True, eq=False)
class RatingTable:
    """Judgements in long form. A rater judges an item at most once.

    Attributes:
        items: number of items with a judgement.
        raters: names, sorted.
        labels: those in use, in their order: numbers by value, else by name.
        item, rater, label: (judgements,) positions.
    """

    items: int
    raters: tuple[str, ...]
    labels: tuple[str, ...]
    item: Integers
    rater: Integers
    label: Integers

    @property
    def votes(self) -> int:
        """Number of judgements."""
        return len(self.item)

    @cached_property
    def counts(self) -> Integers:
        """(items, labels): how many raters gave each label to each item."""
        width = len(self.labels)
        flat = np.bincount(self.item * width + self.label, minlength=self.items * width)
        return flat.astype(np.int64).reshape(self.items, width)

    @cached_property
    def patterns(self) -> Patterns:
        """The different rows of `counts` and how often each stands there."""
        return patterns_of(self.counts.astype(np.float64))

    @property
    def shared(self) -> int:
        """Number of items that two or more raters judged."""
        return int((self.counts.sum(axis=1) > 1).sum())

    @property
    def shares(self) -> dict[str, float]:
        """Label -> its share of all judgements, 0 to 1."""
        totals = self.counts.sum(axis=0)
        return {
            name: float(total / self.votes) for name, total in zip(self.labels, totals, strict=True)
        }

    def without(self, label: str) -> RatingTable:
        """The table with every judgement of this label left out, as if it were missing."""
        if label not in self.labels:
            return self
        dropped = self.labels.index(label)
        rows = self.label != dropped
        items, item = np.unique(self.item[rows], return_inverse=True)
        raters, rater = np.unique(self.rater[rows], return_inverse=True)
        given = self.label[rows]
        return RatingTable(
            items=len(items),
            raters=tuple(self.raters[position] for position in raters),
            labels=(*self.labels[:dropped], *self.labels[dropped + 1 :]),
            item=item.astype(np.int64),
            rater=rater.astype(np.int64),
            label=given - (given > dropped),
        )

    def joint_counts(self) -> tuple[Integers, Integers]:
        """For every two raters who share an item: who they are, and what they said to it.

        Returns:
            (pairs, 2) positions of raters, the smaller first; (pairs, labels, labels) items by the
            first rater's label and the second one's.
        """
        width = len(self.labels)
        order = np.lexsort((self.rater, self.item))
        item, rater, label = self.item[order], self.rater[order], self.label[order]
        keys: list[Integers] = []
        found: list[Integers] = []
        for first, second in _pairings(item):
            pair = rater[first] * len(self.raters) + rater[second]
            key = (pair * width + label[first]) * width + label[second]
            unique, times = np.unique(key, return_counts=True)
            keys.append(unique)
            found.append(times.astype(np.int64))
        if not keys:
            return np.zeros((0, 2), np.int64), np.zeros((0, width, width), np.int64)
        return _collect(np.concatenate(keys), np.concatenate(found), len(self.raters), width)


def from_judgements(judgements: Iterable[tuple[str, str, str]]) -> RatingTable:
    """Build a table from (item, rater, label), each rater at most once per item."""
    columns: Sequence[Sequence[str]] = list(zip(*judgements, strict=True)) or [(), (), ()]
    return from_columns(*columns)


def from_columns(items: Column, raters: Column, labels: Column) -> RatingTable:
    """Build a table from three columns of equal length."""
    item = _coded(items)[1]
    names, rater = _coded(raters)
    found, label = _coded(labels)
    order = sorted(range(len(found)), key=lambda position: _rank(found[position]))
    moved = np.empty(len(found), np.int64)
    moved[order] = np.arange(len(found))
    return RatingTable(
        items=int(item.max()) + 1 if len(item) else 0,
        raters=tuple(names),
        labels=tuple(found[position] for position in order),
        item=item,
        rater=rater,
        label=moved[label] if len(label) else label,
    )


def patterns_of(counts: Numbers) -> Patterns:
    """The different rows of (items, labels) counts."""
    if not counts.size:
        return Patterns(counts.reshape(0, counts.shape[1]), np.zeros(0, np.int64))
    base = int(counts.max()) + 1
    is_whole = bool((counts == np.floor(counts)).all())
    if is_whole and base ** counts.shape[1] < 2**62:
        # one number per row: sorting numbers is many times faster than sorting rows
        digits = base ** np.arange(counts.shape[1] - 1, -1, -1, dtype=np.int64)
        _, first, times = np.unique(
            counts.astype(np.int64) @ digits, return_index=True, return_counts=True
        )
        return Patterns(counts[first], times.astype(np.int64))
    rows, times = np.unique(counts, axis=0, return_counts=True)
    return Patterns(rows, times.astype(np.int64))


def number(label: str) -> float | None:
    """The number that a label writes, or None."""
    try:
        value = float(label)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _coded(values: Column) -> tuple[list[str], Integers]:
    """The different values, sorted, and the position of each value among them."""
    column = pl.Series(values, dtype=pl.String)
    if column.is_empty():
        return [], np.zeros(0, np.int64)
    codes = column.rank("dense").cast(pl.Int64).to_numpy() - 1
    return column.unique().sort().to_list(), codes


def _rank(label: str) -> tuple[bool, float, str]:
    value = number(label)
    return value is None, value or 0.0, label


def _pairings(item: Integers) -> Iterable[tuple[Integers, Integers]]:
    """Positions of every two judgements on the same item, in parts. `item` is sorted."""
    starts = np.flatnonzero(np.diff(item, prepend=-1))
    sizes = np.diff(np.append(starts, len(item)))
    for size in np.unique(sizes[sizes > 1]):
        first, second = np.triu_indices(size, 1)
        of_this_size = starts[sizes == size]
        step = max(1, _AT_ONCE // len(first))
        for begin in range(0, len(of_this_size), step):
            base = of_this_size[begin : begin + step, None]
            yield (base + first).ravel(), (base + second).ravel()


def _collect(keys: Integers, times: Integers, raters: int, width: int) -> tuple[Integers, Integers]:
    """Sum the parts of `joint_counts` into one block per pair of raters."""
    pair, cell = np.divmod(keys, width * width)
    pairs, position = np.unique(pair, return_inverse=True)
    blocks = np.zeros((len(pairs), width * width), np.int64)
    np.add.at(blocks, (position, cell), times)
    who = np.stack(np.divmod(pairs, raters), axis=1)
    return who, blocks.reshape(len(pairs), width, width)
