"""Cohen's kappa of every two raters, on the items that both judged.

J. Cohen (1960). The interval is value plus or minus 1.96 large-sample standard errors:
J. L. Fleiss, J. Cohen, B. S. Everitt, Large sample standard errors of kappa and weighted kappa
(1969).
"""

from __future__ import annotations

import math

import numpy as np

from labeling.agreement.figure import ONE_LABEL, UNIFORM, PairOfRaters
from labeling.agreement.intervals import Z95, from_wilson
from labeling.agreement.table import Integers, RatingTable


def of_table(table: RatingTable) -> tuple[PairOfRaters, ...]:
    """One entry for every two raters who share an item, by name."""
    who, joint = table.joint_counts()
    return tuple(
        of_joint_counts((table.raters[first], table.raters[second]), counts)
        for (first, second), counts in zip(who, joint, strict=True)
    )


def of_joint_counts(raters: tuple[str, str], counts: Integers) -> PairOfRaters:
    """Kappa from (labels, labels) items by the first rater's label and the second one's."""
    n = int(counts.sum())
    observed, expected = _agreement(counts)
    if expected > 1 - 1e-12:
        return PairOfRaters(raters, n, None, None, observed, UNIFORM)
    value = (observed - expected) / (1 - expected)
    if (counts.sum(axis=0) == n).any() or (counts.sum(axis=1) == n).any():
        return PairOfRaters(raters, n, value, None, observed, ONE_LABEL)
    if observed in (0.0, 1.0):
        return PairOfRaters(raters, n, value, from_wilson(observed, expected, n), observed)
    half = Z95 * standard_error(counts)
    interval = (max(-1.0, value - half), min(1.0, value + half))
    return PairOfRaters(raters, n, value, interval, observed)


def standard_error(counts: Integers) -> float:
    """The large-sample standard error of kappa, from (labels, labels) items."""
    n = int(counts.sum())
    shares = counts / n
    observed, expected = _agreement(counts)
    kappa = (observed - expected) / (1 - expected)
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    diagonal = np.diag(shares)
    agreeing = (diagonal * (1 - (rows + columns) * (1 - kappa)) ** 2).sum()
    apart = shares * (columns[:, None] + rows[None, :]) ** 2
    differing = (1 - kappa) ** 2 * (apart.sum() - np.trace(apart))
    variance = agreeing + differing - (kappa - expected * (1 - kappa)) ** 2
    return math.sqrt(max(0.0, float(variance))) / ((1 - expected) * math.sqrt(n))


def _agreement(counts: Integers) -> tuple[float, float]:
    """Observed and expected agreement, each 0 to 1."""
    n = int(counts.sum())
    margins = counts.sum(axis=1) @ counts.sum(axis=0)
    return int(np.trace(counts)) / n, int(margins) / (n * n)
