"""Items to which the same people gave the same labels are alike to every model of annotators.

Each model goes back and forth between two sums over all judgements: what they say of each item, and
what the items' likely truth says of each person. Over one of several alike items, and as products
of a sparse matrix, both take a fraction of the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from labeling.agreement.table import Integers, Numbers, RatingTable

# keys of items are whole numbers of so many bits
_BITS = 62


@dataclass(frozen=True, eq=False)
class Alike:
    """A table by groups of alike items. An answer is a rater with a label: rater * labels + label.

    Attributes:
        raters, labels: their numbers.
        given: (groups, answers), how often each answer was given to an item of the group.
        answered: (answers, groups), the same the other way round.
        times: (groups,), how many items are alike.
        group: (items,), where each item belongs.
    """

    raters: int
    labels: int
    given: csr_array
    answered: csr_array
    times: Integers
    group: Integers

    @property
    def counts(self) -> Numbers:
        """(raters, labels), how often each gave each label."""
        total: Numbers = self.answered @ self.times.astype(np.float64)
        found: Numbers = total.reshape(self.raters, self.labels)
        return found

    def shares(self) -> Numbers:
        """(groups, labels), the share of the answers to an item that gave each label."""
        label = np.tile(np.eye(self.labels), (self.raters, 1))
        said: Numbers = self.given @ label
        found: Numbers = said / said.sum(axis=1, keepdims=True)
        return found

    def scores(self, worth: Numbers) -> Numbers:
        """(groups, labels), sums over the answers to an item.

        Args:
            worth: (raters, labels given, labels true), what an answer says for each true label.
        """
        found: Numbers = self.given @ worth.reshape(-1, self.labels)
        return found

    def expected(self, truth: Numbers) -> Numbers:
        """(raters, labels given, labels true), how often each answer is expected to have been given
        where each label is true, from (groups, labels) probabilities."""
        found: Numbers = self.answered @ (truth * self.times[:, None])
        return found.reshape(self.raters, self.labels, self.labels)


def of_table(table: RatingTable, known: Integers | None = None) -> Alike:
    """The groups of a table.

    Args:
        table: judgements; alike items have them in the same order.
        known: (items,), what else sets items apart, whole numbers from 0 to the number of labels.
    """
    labels = len(table.labels)
    order = np.argsort(table.item, kind="stable")
    answers = (table.rater * labels + table.label)[order]
    starts = np.flatnonzero(np.diff(table.item[order], prepend=-1))
    sizes = np.diff(np.append(starts, table.votes))
    group = np.zeros(table.items, np.int64)
    firsts: list[Integers] = [np.zeros(0, np.int64)]
    times: list[Integers] = [np.zeros(0, np.int64)]
    for size in np.unique(sizes):
        members = np.flatnonzero(sizes == size)
        columns = answers[starts[members, None] + np.arange(size)]
        set_apart = None if known is None else known[members]
        first, place, count = _grouped(columns, len(table.raters) * labels, set_apart, labels + 1)
        group[members] = place + sum(map(len, firsts))
        firsts.append(members[first])
        times.append(count)
    chosen = np.concatenate(firsts)
    given = _matrix(answers, starts[chosen], sizes[chosen], len(table.raters) * labels)
    return Alike(
        raters=len(table.raters),
        labels=labels,
        given=given,
        answered=given.T.tocsr(),
        times=np.concatenate(times),
        group=group,
    )


def _grouped(
    columns: Integers, answers: int, known: Integers | None, most: int
) -> tuple[Integers, Integers, Integers]:
    """Of (items, size) answers: an item of each group, the group of each item, and their sizes."""
    size = columns.shape[1]
    if size * np.log2(answers) + np.log2(most) >= _BITS:
        # too many to compare as numbers, and such items are hardly ever alike
        each = np.arange(len(columns))
        return each, each, np.ones(len(columns), np.int64)
    keys = np.zeros(len(columns), np.int64) if known is None else known.astype(np.int64)
    for column in columns.T:
        keys = keys * answers + column
    _, first, place, count = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    return first, place, count.astype(np.int64)


def _matrix(answers: Integers, starts: Integers, sizes: Integers, width: int) -> csr_array:
    """(items, answers), from the answers to items that begin at `starts`."""
    ends = np.append(0, np.cumsum(sizes))
    within = np.arange(ends[-1]) - np.repeat(ends[:-1], sizes)
    columns = answers[np.repeat(starts, sizes) + within]
    found = csr_array((np.ones(len(columns)), columns, ends), shape=(len(sizes), width))
    # a rater may have judged an item several times
    found.sum_duplicates()
    return found
