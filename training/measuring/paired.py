"""Two checkpoints on the same pairs: who is right where the other is wrong.

Two accuracies on the same pairs are not independent, so their intervals say little about their
difference. McNemar's exact test looks only at the pairs on which one is right and the other wrong:
Q. McNemar, Note on the sampling error of the difference between correlated proportions or
percentages, Psychometrika 12 (1947). The interval of the difference is the one for paired
proportions, d +- 1.96 sqrt(b + c - (b - c)^2 / n) / n.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

Rightness = NDArray[np.bool_]

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Paired:
    """Counts of pairs, and what they say.

    Attributes:
        both, first, second, neither: pairs on which both are right, only one, or none.
        difference: accuracy of the second minus that of the first, -1 to 1; None without pairs.
        ci95: its 95% interval; None without pairs.
        p: of McNemar's exact test, two-sided; 1 where nothing differs.
    """

    both: int
    first: int
    second: int
    neither: int
    difference: float | None
    ci95: tuple[float, float] | None
    p: float

    @property
    def n(self) -> int:
        """Pairs that both were measured on."""
        return self.both + self.first + self.second + self.neither


def compare(first: Rightness, second: Rightness) -> Paired:
    """Compare who is right on each pair; both arrays hold the same pairs in the same order."""
    n = len(first)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    both = int((first & second).sum())
    counts = (both, only_first, only_second, n - both - only_first - only_second)
    if not n:
        return Paired(*counts, None, None, 1.0)
    apart = only_first + only_second
    difference = (only_second - only_first) / n
    spread = _Z95 * math.sqrt(max(0.0, apart - (only_second - only_first) ** 2 / n)) / n
    ends = (max(-1.0, difference - spread), min(1.0, difference + spread))
    p = float(binomtest(only_second, apart).pvalue) if apart else 1.0
    return Paired(*counts, difference, ends, p)
