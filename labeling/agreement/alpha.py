"""Krippendorff's alpha, nominal and ordinal. Items with one judgement count for nothing.

K. Krippendorff, Computing Krippendorff's alpha-reliability (2011).
"""

from __future__ import annotations

import numpy as np

from labeling.agreement.statistic import Statistic
from labeling.agreement.table import Numbers


def _features(counts: Numbers) -> Numbers:
    """(items, labels squared): the item's part of the coincidence matrix, flattened."""
    raters = counts.sum(axis=1)
    weight = np.where(raters > 1, 1.0 / np.where(raters > 1, raters - 1, 1.0), 0.0)
    labels = counts.shape[1]
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(labels)
    return np.asarray((pairs * weight[:, None, None]).reshape(len(counts), labels * labels))


def _coincidences(sums: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The matrix (..., labels, labels), its margins, and its total."""
    labels = round(sums.shape[-1] ** 0.5)
    matrix = sums.reshape(*sums.shape[:-1], labels, labels)
    margins = matrix.sum(axis=-1)
    return matrix, margins, margins.sum(axis=-1)


def _nominal(sums: Numbers) -> tuple[Numbers, Numbers]:
    matrix, margins, total = _coincidences(sums)
    observed = np.trace(matrix, axis1=-2, axis2=-1) / total
    expected = (margins * (margins - 1)).sum(axis=-1) / (total * (total - 1))
    return np.asarray(observed), np.asarray(expected)


def _ordinal(sums: Numbers) -> tuple[Numbers, Numbers]:
    """One minus the mean squared distance, in units of the distance between the outermost labels.

    The distance of two ranks counts the judgements between them: both ends by half.
    """
    matrix, margins, total = _coincidences(sums)
    upto = np.cumsum(margins, axis=-1) - margins / 2
    squared = (upto[..., :, None] - upto[..., None, :]) ** 2
    chance = margins[..., :, None] * margins[..., None, :]
    pairs = total * (total - 1)
    widest = squared[..., 0, -1]
    observed = (matrix * squared).sum(axis=(-2, -1)) / (total * widest)
    expected = (chance * squared).sum(axis=(-2, -1)) / (pairs * widest)
    is_uniform = widest <= 0
    return (
        np.where(is_uniform, 1.0, 1 - observed),
        np.where(is_uniform, 1.0, 1 - expected),
    )


NOMINAL = Statistic(_features, _nominal)
ORDINAL = Statistic(_features, _ordinal)
