"""Who gave which label to which item, as arrays: the one input of every coefficient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
        item, rater, label: (judgements,) positions, by item and then by rater.
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
        items, item = _in_use(self.item[rows])
        raters, rater = _in_use(self.rater[rows])
        given = self.label[rows]
        return RatingTable(
            items=len(items),
            raters=tuple(self.raters[position] for position in raters),
            labels=(*self.labels[:dropped], *self.labels[dropped + 1 :]),
            item=item,
            rater=rater,
            label=given - (given > dropped),
        )

    def joint_counts(self) -> tuple[Integers, Integers]:
        """For every two raters who share an item: who they are, and what they said to it.

        Returns:
            (pairs, 2) positions of raters, the smaller first; (pairs, labels, labels) items by the
            first rater's label and the second one's.
        """
        width = len(self.labels)
        given = self.rater * width + self.label
        keys: list[Integers] = []
        found: list[Integers] = []
        for first, second in _pairings(self.item):
            key = given[first] * (len(self.raters) * width) + given[second]
            unique, times = _counted(key, (len(self.raters) * width) ** 2)
            keys.append(unique)
            found.append(times)
        if not keys:
            return np.zeros((0, 2), np.int64), np.zeros((0, width, width), np.int64)
        return _collect(np.concatenate(keys), np.concatenate(found), len(self.raters), width)


def from_judgements(judgements: Iterable[tuple[str, str, str]]) -> RatingTable:
    """Build a table from (item, rater, label), each rater at most once per item."""
    columns: Sequence[Sequence[str]] = list(zip(*judgements, strict=True)) or [(), (), ()]
    return from_columns(*columns)


def from_columns(items: Column, raters: Column, labels: Column) -> RatingTable:
    """Build a table from three columns of equal length.

    Args:
        items, raters, labels: words, or for items also whole numbers from 0 on. Of several
            judgements of one rater on one item the last counts.
    """
    item = _positions(items)
    names, rater = _coded(raters, lambda name: name)
    found, label = _coded(labels, _rank)
    rows = _last_of_each(item * max(1, len(names)) + rater)
    return RatingTable(
        items=int(item.max()) + 1 if len(item) else 0,
        raters=tuple(names),
        labels=tuple(found),
        item=item[rows],
        rater=rater[rows],
        label=label[rows],
    )


def patterns_of(counts: Numbers) -> Patterns:
    """The different rows of (items, labels) counts."""
    if not counts.size:
        return Patterns(counts.reshape(0, counts.shape[1]), np.zeros(0, np.int64))
    base = int(counts.max()) + 1
    is_whole = bool((counts == np.floor(counts)).all())
    if is_whole and base ** counts.shape[1] < 2**62:
        # one number per row: numbers are counted many times faster than rows
        digits = base ** np.arange(counts.shape[1] - 1, -1, -1, dtype=np.int64)
        keys, times = _counted(counts.astype(np.int64) @ digits, base ** counts.shape[1])
        return Patterns((keys[:, None] // digits % base).astype(np.float64), times)
    rows, times = np.unique(counts, axis=0, return_counts=True)
    return Patterns(rows, times.astype(np.int64))


def number(label: str) -> float | None:
    """The number that a label writes, or None."""
    try:
        value = float(label)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _positions(items: Column) -> Integers:
    """A position for every value, without gaps; equal values have the same."""
    column = pl.Series(items)
    if column.dtype.is_integer():
        return _in_use(column.to_numpy().astype(np.int64))[1]
    return _coded(column, lambda name: name)[1]


def _coded(values: Column, order: Callable[[str], Any]) -> tuple[list[str], Integers]:
    """The different values in their order, and the position of each value among them."""
    known, numbers = _numbered(values)
    used, found = _in_use(numbers)
    names = [known[number] for number in used]
    sequence = sorted(range(len(names)), key=lambda position: order(names[position]))
    moved = np.empty(len(names), np.int64)
    moved[sequence] = np.arange(len(names))
    return [names[position] for position in sequence], moved[found]


def _numbered(values: Column) -> tuple[list[str], Integers]:
    """Words, some of them perhaps not in use, and the number of each value among them."""
    column = pl.Series(values)
    if isinstance(column.dtype, pl.Enum):
        # these are numbered already, and need not be compared with each other
        return column.dtype.categories.to_list(), column.to_physical().to_numpy().astype(np.int64)
    words = column.cast(pl.String)
    if words.is_empty():
        return [], np.zeros(0, np.int64)
    return words.unique().sort().to_list(), words.rank("dense").cast(pl.Int64).to_numpy() - 1


def _in_use(numbers: Integers) -> tuple[Integers, Integers]:
    """The different numbers (from 0 on), sorted, and the position of each number among them."""
    there = np.zeros(int(numbers.max(initial=-1)) + 1, np.bool_)
    there[numbers] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[numbers]


def _last_of_each(keys: Integers) -> Integers:
    """The rows of the last of equal keys (from 0 on), by key."""
    count = len(keys)
    if int(keys.max(initial=0)) < 2**62 // max(1, count):
        # numbers are sorted many times faster than the places of numbers
        ordered, rows = np.divmod(np.sort(keys * count + np.arange(count)), max(1, count))
    else:
        rows = np.argsort(keys, kind="stable")
        ordered = keys[rows]
    return rows[np.append(ordered[1:] != ordered[:-1], True)] if count else rows


def _counted(keys: Integers, end: int) -> tuple[Integers, Integers]:
    """The different keys (from 0 to before `end`) and how often each occurs."""
    if end > 4 * len(keys):
        unique, times = np.unique(keys, return_counts=True)
        return unique, times.astype(np.int64)
    times = np.bincount(keys, minlength=1)
    unique = np.flatnonzero(times)
    return unique, times[unique]


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
    one, other = np.divmod(keys, raters * width)
    (first, by_first), (second, by_second) = np.divmod(one, width), np.divmod(other, width)
    cell = by_first * width + by_second
    pairs, position = np.unique(first * raters + second, return_inverse=True)
    blocks = np.zeros((len(pairs), width * width), np.int64)
    np.add.at(blocks, (position, cell), times)
    who = np.stack(np.divmod(pairs, raters), axis=1)
    return who, blocks.reshape(len(pairs), width, width)
