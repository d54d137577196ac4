"""Whether p = sigmoid(margin) of a pair is right as often as it says.

The margin is the implicit reward of chosen minus that of rejected, so p is the probability that
the policy gives to the label. Its confidence is max(p, 1 - p), and it is right where the margin is
above 0; a tie counts half. Confidences are put into ten equal bins from 0.5 to 1 (C. Guo et al., On
Calibration of Modern Neural Networks, 2017): the expected calibration error is the mean distance
between accuracy and confidence of a bin, weighted by its pairs. On few pairs it is too high,
because every bin's distance is positive; its interval resamples groups of pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.measuring import figures
from training.measuring.figures import DRAWS, TIE_NATS, Array, Figure

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Pairs whose confidence lies from `low` to `high`.

    Attributes:
        confidence: their mean confidence, 0.5 to 1; None without pairs.
        accuracy: the share that is right, with Wilson's interval.
    """

    low: float
    high: float
    confidence: float | None
    accuracy: Figure


def bins(margins: Array, labels: str) -> list[Bin]:
    """The reliability of margins, from the least to the most confident bin."""
    confidence, right, place = _placed(margins)
    edges = np.linspace(0.5, 1.0, BINS + 1)
    found = []
    for at in range(BINS):
        inside = place == at
        n = int(inside.sum())
        mean = float(confidence[inside].mean()) if n else None
        signs = right[inside] - 0.5
        accuracy = figures.accuracy(signs, labels, tie=0.0)
        found.append(Bin(float(edges[at]), float(edges[at + 1]), mean, accuracy))
    return found


def error(margins: Array, labels: str, groups: Sequence[int], seed: int = 0) -> Figure:
    """The expected calibration error, 0 to 1, with a bootstrap interval over groups."""
    if not len(margins):
        return Figure(None, None, 0, labels, "no pairs")
    if not np.isfinite(margins).all():
        return Figure(None, None, len(margins), labels, "some margins are not finite")
    confidence, right, place = _placed(margins)
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    count = int(index.max()) + 1
    # accuracy minus confidence, summed for every group and bin
    distances: Array = np.zeros((count, BINS))
    np.add.at(distances, (index, place), right - confidence)
    sizes: Array = np.bincount(index, minlength=count).astype(np.float64)
    value = float(np.abs(distances.sum(axis=0)).sum() / len(margins))
    if count < 2:
        return Figure(value, None, len(margins), labels, "one group of pairs has no interval")
    random = np.random.default_rng(seed)
    weights = random.multinomial(count, np.full(count, 1 / count), size=DRAWS)
    drawn = np.abs(weights @ distances).sum(axis=1) / (weights @ sizes)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Figure(value, (float(low), float(high)), len(margins), labels)


def brier(margins: Array, labels: str, groups: Sequence[int]) -> Figure:
    """Mean of (1 - p) squared, 0 to 1: what is lost by the probability given to the label."""
    return figures.mean(_sigmoid(-margins) ** 2, labels, groups)


def _placed(margins: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    """Confidence, rightness (1, 0, or 0.5 for a tie) and bin of every pair."""
    confidence = _sigmoid(np.abs(margins))
    right = np.where(np.abs(margins) <= TIE_NATS, 0.5, (margins > 0).astype(np.float64))
    place = np.minimum(((confidence - 0.5) * 2 * BINS).astype(np.int64), BINS - 1)
    return confidence, right, place


def _sigmoid(values: Array) -> Array:
    found: Array = 0.5 * (1 + np.tanh(0.5 * values))
    return found
