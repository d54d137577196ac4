"""Strengths of several checkpoints from who beat whom (R. A. Bradley, M. E. Terry, 1952).

The log-odds that `i` beats `j` are the difference of their strengths, which sum to zero. They are
found by Newton's method on the log-likelihood, which is concave; a tie counts as half a win for
each. Intervals are Wald's, from the observed information: right at one look, at an end fixed
before. There is an estimate only where everybody can be reached from everybody by wins (L. R. Ford,
Solution of a ranking problem from binary comparisons, 1957).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Z95 = 1.959963984540054
SEPARATED = (
    "some checkpoints only win or only lose against the others, or were never compared with them"
)
_STEPS = 200
_CLOSE = 1e-10

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Strength:
    """One checkpoint.

    Attributes:
        value: log-odds against an average opponent; None where there is no estimate.
        ci95: its interval, at one look.
        wins: how often it won, ties as half.
        n: pairs that it was in.
    """

    name: str
    value: float | None
    ci95: tuple[float, float] | None
    wins: float
    n: float


@dataclass(frozen=True)
class Ranking:
    """All checkpoints, the strongest first. `reason` says why there is no estimate."""

    strengths: Sequence[Strength]
    reason: str = ""


@dataclass(frozen=True)
class Fit:
    """Estimates by position: strengths that sum to zero, and their covariance."""

    values: Array
    covariance: Array

    def error_of_difference(self, one: int, other: int) -> float:
        """The standard error of the difference of two strengths."""
        contrast = np.zeros(len(self.values))
        contrast[one] += 1
        contrast[other] -= 1
        return float(np.sqrt(contrast @ self.covariance @ contrast))


def rank(names: Sequence[str], wins: Array) -> Ranking:
    """Rank from (checkpoints, checkpoints): how often the row beat the column, ties as half."""
    counted = np.asarray(wins, dtype=np.float64)
    totals, played = counted.sum(axis=1), (counted + counted.T).sum(axis=1)
    if not is_connected(counted):
        bare = [
            Strength(name, None, None, float(won), float(n))
            for name, won, n in zip(names, totals, played, strict=True)
        ]
        return Ranking(bare, SEPARATED)
    found = fit(counted)
    errors = np.sqrt(np.diag(found.covariance))
    strengths = [
        Strength(name, value, (value - Z95 * error, value + Z95 * error), float(won), float(n))
        for name, value, error, won, n in zip(
            *(names, found.values.tolist(), errors.tolist(), totals, played), strict=True
        )
    ]
    return Ranking(sorted(strengths, key=lambda one: -(one.value or 0.0)))


def is_connected(wins: Array) -> bool:
    """Whether everybody can be reached from everybody by wins."""
    if len(wins) < 2:
        return False
    count, _ = connected_components(csr_array(wins > 0), directed=True, connection="strong")
    return int(count) == 1


def fit(wins: Array) -> Fit:
    """The maximum of the likelihood. `wins` is as in `rank` and connected."""
    games = wins + wins.T
    size = len(wins)
    values = np.zeros(size)
    # a constant added to all strengths changes nothing: this holds their sum at zero
    centre = np.full((size, size), 1.0 / size)
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(values[None, :] - values[:, None]))
        slope = (wins - games * chance).sum(axis=1)
        step = np.linalg.solve(_information(games, chance) + centre, slope)
        # a full step may overshoot where somebody hardly ever loses
        values = values + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < _CLOSE:
            break
    chance = 1.0 / (1.0 + np.exp(values[None, :] - values[:, None]))
    covariance = np.linalg.inv(_information(games, chance) + centre) - centre
    return Fit(values - values.mean(), np.asarray(covariance))


def _information(games: Array, chance: Array) -> Array:
    spread = games * chance * (1 - chance)
    return np.asarray(np.diag(spread.sum(axis=1)) - spread)
