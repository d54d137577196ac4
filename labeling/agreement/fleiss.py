"""Fleiss' kappa in Gwet's form, and Gwet's AC1: both weigh every item's own number of raters.

Observed agreement comes from items with two or more raters. The share of a label is the mean over
all items, those with one rater too, of the share of the item's raters who gave it.
J. L. Fleiss (1971); K. L. Gwet, Handbook of Inter-Rater Reliability, 4th edition (2014), chapter 2.
"""

from __future__ import annotations

import numpy as np

from labeling.agreement import percent
from labeling.agreement.statistic import Statistic
from labeling.agreement.table import Numbers


def _features(counts: Numbers) -> Numbers:
    raters = counts.sum(axis=1, keepdims=True)
    return np.concatenate([percent.features(counts), np.ones_like(raters), counts / raters], axis=1)


def _label_shares(sums: Numbers) -> Numbers:
    return np.asarray(sums[..., 3:] / sums[..., 2:3])


def _fleiss(sums: Numbers) -> tuple[Numbers, Numbers]:
    """By chance two raters agree as often as two draws from the label shares."""
    shares = _label_shares(sums)
    return percent.observed(sums), np.asarray((shares**2).sum(axis=-1))


def _ac1(sums: Numbers) -> tuple[Numbers, Numbers]:
    """By chance means: one of two raters guesses evenly, the more the less uniform labels are.

    With one label in use there is nothing to guess between: expected agreement is taken as certain.
    """
    shares = _label_shares(sums)
    labels = shares.shape[-1]
    if labels < 2:
        return percent.observed(sums), np.ones(shares.shape[:-1])
    expected = (shares * (1 - shares)).sum(axis=-1) / (labels - 1)
    return percent.observed(sums), np.asarray(expected)


FLEISS = Statistic(_features, _fleiss)
AC1 = Statistic(_features, _ac1)
