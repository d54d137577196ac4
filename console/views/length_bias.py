"""How often the longer answer wins, by how much longer it is: of all votes, and by category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.views import wording
from labeling.quality.biases import RATIOS, Biases
from labeling.quality.leaning import Leaning

NO_CATEGORY = "none"


@dataclass(frozen=True)
class RatioLine:
    """How often the longer answer won where it was longer by so much."""

    ratio: str
    longer: str
    interval: str
    n: int


@dataclass(frozen=True)
class RatioRow:
    """The same of one category: a cell for each class of ratios, `64% (51 to 75%) of 40`, empty
    where no vote is; `n` votes in all."""

    category: str
    n: int
    cells: Sequence[str]


def headings() -> list[str]:
    """The classes of length ratios."""
    return [_ratio(low) for low in RATIOS]


def lines(found: Biases) -> list[RatioLine]:
    """One line for each class that has votes."""
    return [
        RatioLine(_ratio(low), wording.share(one.share), _ends(one), one.n)
        for low, one in found.by_ratio.items()
        if one.n
    ]


def by_category(found: Mapping[str, Biases]) -> list[RatioRow]:
    """One row for each category with votes on answers of different length, the most votes first."""
    rows = [
        RatioRow(name or NO_CATEGORY, one.length.n, [_cell(one.by_ratio[low]) for low in RATIOS])
        for name, one in found.items()
        if one.length.n
    ]
    return sorted(rows, key=lambda row: (-row.n, row.category))


def _cell(found: Leaning) -> str:
    if found.ci95 is None or found.share is None:
        return ""
    low, high = (100 * end for end in found.ci95)
    return f"{100 * found.share:.0f}% ({low:.0f} to {high:.0f}%) of {found.n:,}"


def _ends(found: Leaning) -> str:
    if found.ci95 is None:
        return ""
    low, high = found.ci95
    return f"{100 * low:.1f} to {100 * high:.1f}%"


def _ratio(low: float) -> str:
    """The class that begins at this ratio; `RATIOS` says where it ends."""
    high = next((end for end in RATIOS if end > low), None)
    return f"{low:g} times and more" if high is None else f"{low:g} to {high:g} times"
