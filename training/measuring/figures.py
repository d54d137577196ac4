"""The figures of an evaluation: numbers with their interval, the count behind them, and the labels.

Pure numpy: no model runs here. An accuracy has the Wilson interval of its count; everything else
has a percentile bootstrap that resamples groups (pairs that share a picture or a prompt) with a
fixed seed, so that the same pairs give the same interval on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# two-sided 95% quantile of the normal distribution
Z95 = 1.959963984540054
# sums of log-probabilities near 100 nats differ by about this much between float32 orderings
TIE_NATS = 1e-5
DRAWS = 1000
_DRAW_CELLS = 2_000_000


@dataclass(frozen=True)
class Figure:
    """One number of an evaluation.

    Attributes:
        value: the number; None when it is undefined, and `reason` says why.
        ci95: lower and upper end of the 95% interval, or None when there is none.
        n: pairs behind the number.
        labels: who decided which answer is better, such as `consensus` or `oracle`.
        reason: why value or ci95 is missing; empty otherwise.
        reference: the model that it is measured against; empty when it needs none.
        on: `data` for a KL over the answers of the pairs; empty for what is no KL.
    """

    value: float | None
    ci95: tuple[float, float] | None
    n: int
    labels: str
    reason: str = ""
    reference: str = ""
    on: str = ""

    def as_json(self) -> dict[str, Any]:
        interval = None if self.ci95 is None else [round(end, 6) for end in self.ci95]
        value = None if self.value is None else round(self.value, 6)
        known = {"value": value, "ci95": interval, "n": self.n, "labels": self.labels}
        said = {"reason": self.reason, "reference": self.reference, "on": self.on}
        return known | {name: text for name, text in said.items() if text}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Figure:
        """What `as_json` wrote."""
        ends = data["ci95"]
        interval = None if ends is None else (float(ends[0]), float(ends[1]))
        said = {name: data.get(name, "") for name in ("reason", "reference", "on")}
        return cls(data["value"], interval, data["n"], data["labels"], **said)


def wilson(successes: float, n: int) -> tuple[float, float]:
    """The Wilson score interval (95%) of a share; `successes` may hold halves from ties."""
    share = successes / n
    scale = 1 + Z95**2 / n
    middle = share + Z95**2 / (2 * n)
    spread = Z95 * float(np.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2)))
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def accuracy(differences: Sequence[float] | Array, labels: str, tie: float = TIE_NATS) -> Figure:
    """The share of differences above zero, 0 to 1.

    A difference of at most `tie` on either side is a tie and counts half: a model that prefers
    nothing has 0.5, with the reward accuracy before the first step as the example.
    """
    values = np.asarray(differences, dtype=np.float64)
    undefined = _undefined(values, labels)
    if undefined is not None:
        return undefined
    successes = float(np.sum(values > tie) + 0.5 * np.sum(np.abs(values) <= tie))
    return Figure(successes / len(values), wilson(successes, len(values)), len(values), labels)


def longer_wins(
    chosen_lengths: Sequence[int], rejected_lengths: Sequence[int], labels: str
) -> Figure:
    """The accuracy of always preferring the longer answer, in characters; equal counts half."""
    chosen = np.asarray(chosen_lengths, dtype=np.float64)
    return accuracy(chosen - np.asarray(rejected_lengths, dtype=np.float64), labels, tie=0.0)


def mean(
    values: Sequence[float] | Array,
    labels: str,
    groups: Sequence[int] | None = None,
    seed: int = 0,
) -> Figure:
    """The mean, with a bootstrap interval over groups (over items when no groups are given)."""
    items = np.asarray(values, dtype=np.float64)
    return ratio(items, np.ones_like(items), labels, groups, seed)


def ratio(
    numerators: Sequence[float] | Array,
    denominators: Sequence[float] | Array,
    labels: str,
    groups: Sequence[int] | None = None,
    seed: int = 0,
) -> Figure:
    """Sum over sum, such as nats over tokens; groups are resampled whole."""
    above = np.asarray(numerators, dtype=np.float64)
    below = np.asarray(denominators, dtype=np.float64)
    undefined = _undefined(above, labels)
    if undefined is not None:
        return undefined
    members = np.arange(len(above)) if groups is None else np.asarray(groups)
    _, index = np.unique(members, return_inverse=True)
    tops: Array = np.bincount(index, weights=above).astype(np.float64)
    bottoms: Array = np.bincount(index, weights=below).astype(np.float64)
    value = float(tops.sum() / bottoms.sum())
    if len(tops) < 2:
        return Figure(value, None, len(above), labels, "one group of pairs has no interval")
    return Figure(value, _bootstrap(tops, bottoms, seed), len(above), labels)


def _bootstrap(tops: Array, bottoms: Array, seed: int) -> tuple[float, float]:
    """Percentile interval of sum(tops) / sum(bottoms) over resampled groups."""
    random = np.random.default_rng(seed)
    count = len(tops)
    chunk = max(1, min(DRAWS, _DRAW_CELLS // count))
    drawn: list[Array] = []
    for start in range(0, DRAWS, chunk):
        draws = min(chunk, DRAWS - start)
        weights = random.multinomial(count, np.full(count, 1 / count), size=draws)
        drawn.append((weights @ tops) / (weights @ bottoms))
    low, high = np.percentile(np.concatenate(drawn), [2.5, 97.5])
    return float(low), float(high)


def _undefined(values: Array, labels: str) -> Figure | None:
    if len(values) == 0:
        return Figure(None, None, 0, labels, "no pairs")
    broken = int(np.sum(~np.isfinite(values)))
    if broken:
        return Figure(None, None, len(values), labels, f"{broken} values are not finite")
    return None
