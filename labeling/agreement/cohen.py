"""Cohen's kappa of every two raters, on the items that both judged.

J. Cohen (1960). The interval is value plus or minus 1.96 large-sample standard errors:
J. L. Fleiss, J. Cohen, B. S. Everitt, Large sample standard errors of kappa and weighted kappa
(1969).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labeling.agreement import indices
from labeling.agreement.figure import ONE_LABEL, UNIFORM, PairOfRaters
from labeling.agreement.intervals import Z95, from_wilson
from labeling.agreement.table import Integers, Numbers, RatingTable


def of_table(table: RatingTable) -> tuple[PairOfRaters, ...]:
    """One entry for every two raters who share an item, by name."""
    who, joint = table.joint_counts()
    if not len(who):
        return ()
    measured = _measured(joint)
    rows = zip(who.tolist(), *(each.tolist() for each in measured), strict=True)
    return tuple(
        _pair((table.raters[first], table.raters[second]), *figures)
        for (first, second), *figures in rows
    )


def of_joint_counts(raters: tuple[str, str], counts: Integers) -> PairOfRaters:
    """Kappa from (labels, labels) items by the first rater's label and the second one's."""
    return _pair(raters, *(each.tolist()[0] for each in _measured(counts[None])))


def standard_error(counts: Integers) -> Numbers:
    """The large-sample standard error of kappa, from (..., labels, labels) items.

    NaN where agreement by chance is certain.
    """
    n = counts.sum(axis=(-2, -1))
    shares = counts / n[..., None, None]
    observed, expected = _agreement(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = (observed - expected) / (1 - expected)
        rows, columns = shares.sum(axis=-1), shares.sum(axis=-2)
        diagonal = np.diagonal(shares, axis1=-2, axis2=-1)
        agreeing = (diagonal * (1 - (rows + columns) * (1 - kappa)[..., None]) ** 2).sum(axis=-1)
        apart = shares * (columns[..., :, None] + rows[..., None, :]) ** 2
        off_diagonal = apart.sum(axis=(-2, -1)) - np.trace(apart, axis1=-2, axis2=-1)
        differing = (1 - kappa) ** 2 * off_diagonal
        variance = agreeing + differing - (kappa - expected * (1 - kappa)) ** 2
        error = np.sqrt(np.maximum(0.0, variance)) / ((1 - expected) * np.sqrt(n))
    return np.asarray(error)


def _measured(counts: Integers) -> tuple[Integers | Numbers | NDArray[np.bool_], ...]:
    """Of each of (pairs, labels, labels): items, observed and expected agreement, standard error,
    whether one of the two gave everything the same label, prevalence and bias index."""
    n = counts.sum(axis=(-2, -1))
    is_one = [(counts.sum(axis=axis) == n[..., None]).any(axis=-1) for axis in (-2, -1)]
    shares = indices.prevalence(counts), indices.bias(counts)
    return n, *_agreement(counts), standard_error(counts), is_one[0] | is_one[1], *shares


def _pair(
    raters: tuple[str, str],
    n: int,
    observed: float,
    expected: float,
    error: float,
    is_one: bool,
    prevalence: float,
    bias: float,
) -> PairOfRaters:
    value: float | None = None
    interval, reason = None, ""
    if expected > 1 - 1e-12:
        reason = UNIFORM
    else:
        value = (observed - expected) / (1 - expected)
        if is_one:
            reason = ONE_LABEL
        elif observed in (0.0, 1.0):
            interval = from_wilson(observed, expected, n)
        else:
            interval = (max(-1.0, value - Z95 * error), min(1.0, value + Z95 * error))
    return PairOfRaters(raters, n, value, interval, observed, prevalence, bias, reason)


def _agreement(counts: Integers) -> tuple[Numbers, Numbers]:
    """Observed and expected agreement of (..., labels, labels) items, each 0 to 1."""
    n = counts.sum(axis=(-2, -1))
    margins = (counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1)
    return np.trace(counts, axis1=-2, axis2=-1) / n, margins / (n * n)
