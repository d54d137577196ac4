"""How far the make-up of one dataset version lies from another's.

Jensen-Shannon divergence in bits, 0 (the same) to 1 (nothing in common): J. Lin, Divergence
measures based on the Shannon entropy, IEEE Transactions on Information Theory 37 (1991). Population
stability index: the symmetrised Kullback-Leibler divergence in nats; below 0.1 is usually called
stable and above 0.25 a shift (N. Siddiqi, Credit Risk Scorecards, 2006).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from storage.rows import DatasetRow

STABLE, SHIFTED = 0.1, 0.25
# a class that one side lacks counts as half a row there, so that the index stays finite
_HALF_A_ROW = 0.5
_LENGTHS = (50, 100, 200, 400, 800, 1600)
_CONFIDENCES = (0.6, 0.7, 0.8, 0.9, 0.95)

# the class of a row, or all of those that it is in
Key = Callable[[DatasetRow], str | Sequence[str]]


@dataclass(frozen=True)
class Share:
    """One class of a feature: its share of the rows before and after, 0 to 1."""

    name: str
    before: float
    after: float


@dataclass(frozen=True)
class Drift:
    """One feature of the rows in two versions.

    Attributes:
        feature: what the rows are counted by.
        divergence: Jensen-Shannon, 0 to 1 bits.
        stability: population stability index, 0 and more.
        shares: every class, the one that changed most first.
    """

    feature: str
    divergence: float
    stability: float
    shares: tuple[Share, ...]

    @property
    def verdict(self) -> str:
        """`stable`, `shifted` or `much shifted`, by the stability index."""
        if self.stability < STABLE:
            return "stable"
        return "shifted" if self.stability < SHIFTED else "much shifted"


@dataclass(frozen=True)
class Coverage:
    """What several versions are made of, by one feature.

    Attributes:
        versions: in their order.
        classes: the one with the largest share in any version first; `others` are together.
        shares: of each class, its share in every version, 0 to 1.
        divergences: of each version, Jensen-Shannon from the one before; None of the first.
    """

    feature: str
    versions: Sequence[str]
    classes: Sequence[str]
    shares: Sequence[Sequence[float]]
    divergences: Sequence[float | None]


NO_MORE: Mapping[str, tuple[Key, Key]] = MappingProxyType({})
OTHERS = "others"


def measure(
    before: Sequence[DatasetRow],
    after: Sequence[DatasetRow],
    more: Mapping[str, tuple[Key, Key]] = NO_MORE,
) -> list[Drift]:
    """The drift of every feature; nothing when a side has no rows.

    Args:
        more: features beside those that the rows tell of themselves, of each side its own, see
            `rounds.origins`.
    """
    if not before or not after:
        return []
    keys = {name: (key, key) for name, key in FEATURES.items()} | dict(more)
    old = _counted({name: key for name, (key, _) in keys.items()}, before)
    new = _counted({name: key for name, (_, key) in keys.items()}, after)
    return [_drift(name, old[name], new[name]) for name in keys]


def cover(
    feature: str, versions: Mapping[str, tuple[Sequence[DatasetRow], Key]], most: int = 16
) -> Coverage:
    """What each version is made of.

    Args:
        versions: name -> rows, of which there are some, and what their class is; in the order to
            compare them in.
        most: classes that are told apart.
    """
    counts = {name: _counted({"": key}, rows)[""] for name, (rows, key) in versions.items()}
    found = {
        each: [counted[each] / counted.total() for counted in counts.values()]
        for each in sorted(set().union(*counts.values()))
    }
    ranked = sorted(found, key=lambda each: -max(found[each]))
    shown = ranked if len(ranked) <= most else ranked[: most - 1]
    shares = [found[each] for each in shown]
    if len(shown) < len(ranked):
        rest = [found[each] for each in ranked[len(shown) :]]
        shown, shares = (
            [*shown, OTHERS],
            [*shares, [sum(column) for column in zip(*rest, strict=True)]],
        )
    columns = [list(column) for column in zip(*found.values(), strict=True)]
    apart = [_jensen_shannon(one, other) for one, other in pairwise(columns)]
    return Coverage(feature, list(versions), shown, shares, [None, *apart])


def _counted(keys: Mapping[str, Key], rows: Iterable[DatasetRow]) -> dict[str, Counter[str]]:
    """Feature -> class -> how many rows are in it. Each row is looked at once, so that rows may be
    made while they are counted."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in keys}
    for row in rows:
        for name, key in keys.items():
            found = key(row)
            counted[name].update([found] if isinstance(found, str) else found)
    return counted


def _drift(name: str, old: Counter[str], new: Counter[str]) -> Drift:
    names = sorted(old.keys() | new.keys())
    one = [old[each] / old.total() for each in names]
    other = [new[each] / new.total() for each in names]
    shares = [Share(*each) for each in zip(names, one, other, strict=True)]
    return Drift(
        feature=name,
        divergence=_jensen_shannon(one, other),
        stability=_stability([old[each] for each in names], [new[each] for each in names]),
        shares=tuple(sorted(shares, key=lambda share: -abs(share.after - share.before))),
    )


def _jensen_shannon(one: Sequence[float], other: Sequence[float]) -> float:
    middle = [(a + b) / 2 for a, b in zip(one, other, strict=True)]
    parts = (
        share * math.log2(share / mean)
        for shares in (one, other)
        for share, mean in zip(shares, middle, strict=True)
        if share > 0
    )
    # rounding can leave -1e-17 where the two are equal
    return max(0.0, sum(parts) / 2)


def _stability(old: Sequence[int], new: Sequence[int]) -> float:
    one = [max(count, _HALF_A_ROW) / sum(old) for count in old]
    other = [max(count, _HALF_A_ROW) / sum(new) for count in new]
    return sum((b - a) * math.log(b / a) for a, b in zip(one, other, strict=True))


def _classed(value: float, ends: Sequence[float]) -> str:
    """The class of a number as people write it: `100 to 200`."""
    for low, high in zip((0, *ends), ends, strict=False):
        if value < high:
            return f"{low:g} to {high:g}"
    return f"{ends[-1]:g} and more"


def _wordier(row: DatasetRow) -> str:
    if len(row.chosen) == len(row.rejected):
        return "equal"
    return "chosen" if len(row.chosen) > len(row.rejected) else "rejected"


FEATURES: dict[str, Key] = {
    "category": lambda row: row.prompt.category or "none",
    "labels": lambda row: row.labels,
    "votes": lambda row: str(row.votes),
    "confidence": lambda row: _classed(row.confidence, _CONFIDENCES),
    "length of the chosen answer": lambda row: _classed(len(row.chosen), _LENGTHS),
    "longer answer": _wordier,
    "pictures": lambda row: str(len(row.prompt.media)),
    "side": lambda row: row.split,
}
