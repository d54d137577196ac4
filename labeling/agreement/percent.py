"""Percent agreement, and the observed agreement that Fleiss' kappa and AC1 share with it."""

from __future__ import annotations

import numpy as np

from labeling.agreement.statistic import Statistic
from labeling.agreement.table import Numbers


def features(counts: Numbers) -> Numbers:
    """(items, 2): whether two or more raters judged it, and the share of rater pairs that agree.

    The share is taken within the item's own number of raters. Rescaling rows to the largest number
    would turn two raters who contradict each other into partial agreement.
    """
    raters = counts.sum(axis=1)
    is_shared = raters > 1
    possible = np.where(is_shared, raters * (raters - 1), 1.0)
    agreeing = (counts * (counts - 1)).sum(axis=1) / possible
    return np.stack([is_shared.astype(np.float64), np.where(is_shared, agreeing, 0.0)], axis=1)


def observed(sums: Numbers) -> Numbers:
    """Mean over shared items of the share of agreeing rater pairs, 0 to 1."""
    return np.asarray(sums[..., 1] / sums[..., 0])


def _combine(sums: Numbers) -> tuple[Numbers, Numbers]:
    agreement = observed(sums)
    return agreement, np.zeros_like(agreement)


PERCENT = Statistic(features, _combine)
