"""A share of choices against the share that chance alone would give.

Source: exact two-sided binomial test; Wilson's 95% interval; Holm's step-down correction
(S. Holm, A simple sequentially rejective multiple test procedure, 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from labeling.agreement.intervals import wilson_interval

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Leaning:
    """How often one of two was chosen.

    Attributes:
        share: 0 to 1; None without choices.
        ci95: Wilson's interval; None without choices.
        n: choices.
        p: probability of a share at least this far from one half by chance; 1 without choices.
    """

    share: float | None
    ci95: tuple[float, float] | None
    n: int
    p: float


def leaning(chosen: int, n: int) -> Leaning:
    """The leaning of `chosen` out of `n` choices towards one of two."""
    if not n:
        return Leaning(None, None, 0, 1.0)
    share = chosen / n
    return Leaning(share, wilson_interval(share, n), n, float(binomtest(chosen, n).pvalue))


def corrected(tests: Sequence[float]) -> list[float]:
    """The p-values of several tests, each as if it were the only one (Holm), in their order."""
    found, worst = [0.0] * len(tests), 0.0
    ranked = sorted(range(len(tests)), key=lambda at: tests[at])
    for rank, at in enumerate(ranked):
        worst = max(worst, min(1.0, tests[at] * (len(tests) - rank)))
        found[at] = worst
    return found
