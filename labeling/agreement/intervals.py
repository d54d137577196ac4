"""95% intervals: items resampled, and Wilson's score interval where resampling sees no variation.

Items are resampled, not judgements: those on one item belong together. A coefficient looks at an
item only through its counts of labels, so that drawing items with replacement is drawing how often
each pattern of counts occurs, from a multinomial distribution: 100,000 items cost as much as the
handful of patterns that they have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from labeling.agreement.figure import NO_INTERVAL, NOT_RESAMPLED, NOT_SHARED, UNIFORM, Figure
from labeling.agreement.statistic import Statistic
from labeling.agreement.table import Integers, Numbers, Patterns

# two-sided 95% point of the normal distribution
Z95 = 1.959963984540054
# below this share of resamples that define the coefficient, their percentiles mislead
_ENOUGH = 0.95
_AT_ONCE = 4_000_000
_CERTAIN = 1e-12


@dataclass(frozen=True)
class Resampling:
    """How items are drawn: `resamples` times, from a generator that starts at `seed`. None at all
    leaves the intervals out."""

    resamples: int = 2000
    seed: int = 1927


def estimate(statistic: Statistic, patterns: Patterns, how: Resampling) -> Figure:
    """The coefficient on all items with its percentile interval over resampled items.

    Where every item agrees in full, or none does, all resamples look alike; then Wilson's interval
    of the observed agreement takes the place of it in the coefficient.
    """
    shared = int(patterns.items[patterns.counts.sum(axis=1) > 1].sum())
    if not shared:
        return Figure(None, None, 0, NOT_SHARED)
    features = statistic.features(patterns.counts)
    observed, expected = statistic.combine(patterns.items @ features)
    value = float(corrected(observed, expected))
    if math.isnan(value):
        return Figure(None, None, shared, UNIFORM)
    if min(abs(observed), abs(1 - observed)) < _CERTAIN:
        return Figure(value, from_wilson(float(observed), float(expected), shared), shared)
    if not how.resamples:
        return Figure(value, None, shared, NOT_RESAMPLED)
    drawn = _resampled(statistic, features, patterns.items, how)
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < _ENOUGH * how.resamples:
        return Figure(value, None, shared, NO_INTERVAL)
    low, high = np.quantile(defined, (0.025, 0.975))
    return Figure(value, (float(low), float(high)), shared)


def corrected(observed: Numbers, expected: Numbers) -> Numbers:
    """(observed - expected) / (1 - expected); NaN where agreement by chance is certain."""
    room = 1.0 - np.asarray(expected, np.float64)
    safe = np.where(room > _CERTAIN, room, np.nan)
    return np.asarray((observed - expected) / safe)


def from_wilson(observed: float, expected: float, n: int) -> tuple[float, float]:
    """Wilson's interval of the observed agreement (0 to 1) of `n` items, corrected for chance.

    At most 1; a coefficient can lie below -1 where items with one judgement shape the chance.
    """
    ends = np.array(wilson_interval(min(1.0, max(0.0, observed)), n))
    low, high = corrected(ends, np.full(2, expected))
    return float(low), min(1.0, float(high))


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95% score interval of a share (0 to 1) of `n` items, n at least 1.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    squared = Z95 * Z95
    middle = (share + squared / (2 * n)) / (1 + squared / n)
    half = Z95 / (1 + squared / n) * math.sqrt(share * (1 - share) / n + squared / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _resampled(
    statistic: Statistic, features: Numbers, items: Integers, how: Resampling
) -> Numbers:
    """The coefficient of every resample, NaN where it is undefined."""
    parts = []
    for times in _draws(items, how):
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(corrected(*statistic.combine(times @ features)))
    return np.concatenate(parts)


def _draws(items: Integers, how: Resampling) -> Iterable[Numbers]:
    """(resamples, patterns) in parts: how often each pattern occurs in each resample."""
    if how.resamples * len(items) <= _AT_ONCE:
        # one table has several coefficients
        return _drawn(tuple(items.tolist()), how)
    return _draw(items, how)


@lru_cache(maxsize=2)
def _drawn(items: tuple[int, ...], how: Resampling) -> Sequence[Numbers]:
    return list(_draw(np.array(items, np.int64), how))


def _draw(items: Integers, how: Resampling) -> Iterator[Numbers]:
    random = np.random.default_rng(how.seed)
    total = int(items.sum())
    step = max(1, _AT_ONCE // len(items))
    for begin in range(0, how.resamples, step):
        size = min(step, how.resamples - begin)
        # as the numbers that the matrix product needs
        yield random.multinomial(total, items / total, size=size).astype(np.float64)
