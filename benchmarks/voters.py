"""Who judges which pair and what they say, for a large workspace.

Each batch has a crew, people differ in how much they do and how often they are right, and pairs in
how many judge them and how hard they are. Everything follows from numbers of pairs and people by
hashes, so that any part can be drawn again by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]

_CREW = 25
# how many more or fewer than the mean judge a pair; 0 on average
_MORE = np.array([-2, -1, 0, 1, 2])
_SHARES = np.array([0.15, 0.15, 0.45, 0.05, 0.20])
_HARD, _TIES, _TIES_IF_HARD, _SKIPS, _AGAIN = 0.25, 0.05, 0.2, 0.03, 0.01


@dataclass(frozen=True)
class Ballot:
    """One judgement; pair, batch and annotator by number."""

    pair: int
    batch: int
    annotator: int
    verdict: str
    active_ms: int
    is_swapped: bool
    is_again: bool


@dataclass(frozen=True)
class Voters:
    """The people of a workspace."""

    annotators: int
    batches: int
    seed: int

    def first(self, pairs: Integers, mean: float) -> Iterator[Ballot]:
        """The votes on these pairs, pair after pair."""
        depth = self.depth(pairs, mean)
        order = self._order(pairs, max(1, int(depth.max(initial=0))))
        row, rank = np.nonzero(np.arange(order.shape[1]) < depth[:, None])
        return self._ballots(pairs[row], order[row, rank])

    def more(self, pairs: Integers, turns: Integers, mean: float) -> Iterator[Ballot]:
        """Of each pair the vote of somebody who has not judged it, after so many others beyond the
        first."""
        rank = self.depth(pairs, mean) + turns
        order = self._order(pairs, int(rank.max(initial=0)) + 1)
        return self._ballots(pairs, order[np.arange(len(pairs)), rank])

    def total(self, pairs: Integers, mean: float) -> int:
        """How many votes `first` gives."""
        return int(self.depth(pairs, mean).sum())

    def depth(self, pairs: Integers, mean: float) -> Integers:
        """How many people judge each pair."""
        if not mean:
            return np.zeros(len(pairs), np.int64)
        place = np.searchsorted(np.cumsum(_SHARES), _uniform(pairs, 1), side="right")
        more = _MORE[np.minimum(place, len(_MORE) - 1)]
        return np.clip(round(mean) + more, 0, min(_CREW, self.annotators) - 2)

    @cached_property
    def _crews(self) -> Integers:
        """(batches, crew), who works in a batch."""
        size = min(_CREW, self.annotators)
        draw = np.random.default_rng((self.seed, 1))
        return np.stack([draw.permutation(self.annotators)[:size] for _ in range(self.batches)])

    @cached_property
    def _diligence(self) -> Numbers:
        return np.random.default_rng((self.seed, 2)).normal(0, 1, self.annotators)

    @cached_property
    def _accuracy(self) -> Numbers:
        return 0.55 + 0.42 * np.random.default_rng((self.seed, 3)).beta(4, 2, self.annotators)

    def _order(self, pairs: Integers, count: int) -> Integers:
        """(pairs, count), who judges each: drawn from the crew without replacement, the diligent
        more often (Gumbel's trick)."""
        crew = self._crews[pairs % self.batches]
        luck = -np.log(-np.log(_uniform(pairs[:, None] * 1_000_003 + crew, 2)))
        ranked = np.argsort(-(luck + self._diligence[crew]), axis=1)[:, :count]
        return np.take_along_axis(crew, ranked, axis=1)

    def _ballots(self, pairs: Integers, people: Integers) -> Iterator[Ballot]:
        which = pairs * 1_000_003 + people
        is_hard = _uniform(pairs, 4) < _HARD
        easily = self._accuracy[people]
        right = np.where(is_hard, 0.5 + (easily - 0.5) * 0.3, easily)
        prefers_a = (_uniform(pairs, 5) < 0.55) == (_uniform(which, 6) < right)
        chance, ties = _uniform(which, 7), np.where(is_hard, _TIES_IF_HARD, _TIES)
        verdicts = np.where(prefers_a, "a", "b")
        verdicts = np.where(chance < _SKIPS + ties, "tie", verdicts)
        verdicts = np.where(chance < _SKIPS, "skip", verdicts)
        active = np.exp(8.5 + 0.6 * np.sqrt(12) * (_uniform(which, 8) - 0.5)).astype(np.int64)
        swapped, again = _uniform(which, 9) < 0.5, _uniform(which, 10) < _AGAIN
        columns = (pairs, pairs % self.batches, people, verdicts, active, swapped, again)
        return map(Ballot, *(column.tolist() for column in columns))


def _uniform(keys: Integers, salt: int) -> Numbers:
    """A number between 0 and 1 for each key, by splitmix64."""
    with np.errstate(over="ignore"):
        mixed = (keys.astype(np.uint64) + np.uint64(salt << 40)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (np.asarray(mixed >> np.uint64(11), np.float64) + 0.5) / 2.0**53
