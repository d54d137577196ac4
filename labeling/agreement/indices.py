"""Why kappa can be low although people agree: one label prevails, or two people use labels apart.

T. Byrt, J. Bishop, J. B. Carlin, Bias, prevalence and kappa (1993). For two labels and the shares
a, b, c, d of a table these are |a - d| and |b - c|, and kappa follows from them and the observed
agreement alone. With more labels we take what both are made of: the shares of the labels.
"""

from __future__ import annotations

import numpy as np

from labeling.agreement.table import Integers, Numbers


def prevalence(counts: Integers) -> Numbers:
    """How far the most common label of two people is above its even share: 0 where the labels that
    they use are equally common, 1 where they use one.

    Args:
        counts: (..., labels, labels) items by the first one's label and the second one's.
    """
    shares = (counts.sum(axis=-1) + counts.sum(axis=-2)) / (2 * _items(counts))
    used = (shares > 0).sum(axis=-1)
    even = 1 / used
    most = shares.max(axis=-1)
    return np.where(used > 1, (most - even) / np.where(used > 1, 1 - even, 1.0), 1.0)


def bias(counts: Integers) -> Numbers:
    """How far apart two people use the labels: half the sum of the differences of their shares,
    0 to 1. Counts as for `prevalence`."""
    apart = np.abs(counts.sum(axis=-1) - counts.sum(axis=-2)) / _items(counts)
    return np.asarray(apart.sum(axis=-1) / 2)


def _items(counts: Integers) -> Integers:
    return np.asarray(counts.sum(axis=(-2, -1)))[..., None]
