"""How far annotators agree on the pairs that several of them judged."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labeling import consensus
from storage.rows import EffectiveVote, Verdict

# two-sided 95% point of the normal distribution
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Figure:
    """A number with what it rests on.

    Attributes:
        value: None when undefined.
        ci95: lower and upper end of the 95% interval, None when undefined.
        n: items behind the number.
        reason: why `value` is None, else empty.
    """

    value: float | None
    ci95: tuple[float, float] | None
    n: int
    reason: str = ""


def percent_agreement(votes: Sequence[EffectiveVote]) -> Figure:
    """Mean over pairs of the share of annotator pairs that gave the same verdict, 0 to 1.

    Skips are left out, `both_bad` counts as a tie, and an annotator has one voice on a pair. `n` is
    the number of pairs with two or more voices. The interval is Wilson's over pairs: the usual one
    with two annotators a pair, and wider than needed with more, since a share varies less than a
    yes or no with the same mean.
    """
    shares = [_agreeing_share(counts) for counts in _by_pair(votes) if counts.total() > 1]
    if not shares:
        return Figure(None, None, 0, "no pair has votes of two annotators")
    mean = math.fsum(shares) / len(shares)
    return Figure(mean, wilson_interval(mean, len(shares)), len(shares))


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95% score interval of a share (0 to 1) of `n` items, n at least 1.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    squared = _Z95 * _Z95
    middle = (share + squared / (2 * n)) / (1 + squared / n)
    half = _Z95 / (1 + squared / n) * math.sqrt(share * (1 - share) / n + squared / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _by_pair(votes: Sequence[EffectiveVote]) -> Iterator[Counter[Verdict]]:
    cast: dict[str, list[EffectiveVote]] = defaultdict(list)
    for vote in votes:
        cast[vote.pair_id].append(vote)
    for on_one_pair in cast.values():
        yield Counter(consensus.voices(on_one_pair).values())


def _agreeing_share(counts: Counter[Verdict]) -> float:
    raters = counts.total()
    agreeing = sum(count * (count - 1) for count in counts.values())
    return agreeing / (raters * (raters - 1))
