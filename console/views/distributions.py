"""Distributions ready to draw: equal bins on one symmetric axis, counted here, not in a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BINS = 80
# the axis reaches at least this far to both sides, so that small effects look small
LEAST = 2.0
# share of the values that the axis must hold; the rest is counted beside it
HELD = 0.97
_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True)
class Series:
    """One distribution.

    Attributes:
        name: in the legend.
        role: of `charts.STYLES`.
        counts: values per bin.
        mean: over all values, also those outside of the axis.
    """

    name: str
    role: str
    counts: Sequence[int]
    mean: float


@dataclass(frozen=True)
class Distribution:
    """One figure.

    Attributes:
        unit: of the axis.
        limit: the axis goes from -limit to limit.
        series: what is drawn over each other.
        outside: values beyond the axis, over all series.
        n: values of each series.
    """

    title: str
    unit: str
    limit: float
    series: Sequence[Series]
    outside: int
    n: int

    @property
    def width(self) -> float:
        """Of a bin."""
        return 2 * self.limit / BINS

    @property
    def centres(self) -> list[float]:
        """The middle of every bin, rounded so that little is sent to the browser."""
        return [round(-self.limit + (at + 0.5) * self.width, 6) for at in range(BINS)]

    @property
    def note(self) -> str:
        """What the axis leaves out; empty when it holds everything."""
        if not self.outside:
            return ""
        total = self.n * len(self.series)
        return f"{self.outside:,} of {total:,} values lie outside of the axis."


def distribution(
    title: str, unit: str, values: Mapping[str, tuple[str, Array]]
) -> Distribution | None:
    """Bin several sets of values on one axis; None without values.

    Args:
        values: name -> role and values, all of the same length. They are finite.
    """
    everything = np.concatenate([found for _, found in values.values()])
    if not len(everything):
        return None
    limit = _limit(everything)
    edges = np.linspace(-limit, limit, BINS + 1)
    series = [
        Series(
            name,
            role,
            [int(count) for count in np.histogram(found, bins=edges)[0]],
            float(found.mean()),
        )
        for name, (role, found) in values.items()
    ]
    held = sum(sum(one.counts) for one in series)
    n = len(everything) // len(series)
    return Distribution(title, unit, limit, series, len(everything) - held, n)


def _limit(values: Array) -> float:
    """The first round number, LEAST or more, that holds the share HELD of the values."""
    needed = max(LEAST, float(np.quantile(np.abs(values), HELD, method="higher")))
    scale = 10 ** np.floor(np.log10(needed))
    return float(next(step * scale for step in _STEPS if step * scale >= needed * (1 - 1e-9)))
