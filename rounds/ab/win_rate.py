"""The win rate of one checkpoint against another, with an interval that may be looked at any time.

A 95% interval of the usual kind is right once, at a sample size fixed before. Whoever looks after
every vote and stops when it pleases is wrong far more often. The interval here is a confidence
sequence: the chance that it misses the true win rate at any moment, however often one looks, is at
most 5%.

It is what a gambler leaves over who bets on every pair that the true rate is not `m`, with a stake
drawn from the arcsine law: rates at which the gambler would have made 20 out of 1 are out (J.
Ville, 1939; H. Robbins, Statistical methods related to the law of the iterated logarithm, 1970; I.
Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, 2024; the
portfolio of T. Cover, 1991, with F. Orabona, K.-S. Jun, Tight concentrations and confidence
sequences from the regret of universal portfolio, 2024). Without ties it is the beta-binomial
mixture with both parameters one half. A tie counts as half a win; the bets hold for every outcome
from 0 to 1 as long as, given the pairs before, the expected outcome is the true rate. Only the
counts matter, not the order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
# nodes of Gauss-Chebyshev quadrature: exact for twice as many pairs
_NODES = 4096
_HALVINGS = 60


@dataclass(frozen=True)
class WinRate:
    """How often the first wins.

    Attributes:
        value: wins and half the ties as a share of all, 0 to 1; None without a pair.
        ci95: ends of the confidence sequence now; None without a pair.
        n: pairs that count.
    """

    value: float | None
    ci95: tuple[float, float] | None
    n: int


def measure(wins: int, losses: int, ties: int) -> WinRate:
    """The win rate from counts of settled pairs, each 0 or more."""
    n = wins + losses + ties
    if n == 0:
        return WinRate(None, None, 0)
    value = (wins + ties / 2) / n
    limit = -float(np.log(1 - LEVEL))

    def is_out(rate: float) -> bool:
        return log_wealth(rate, wins, losses, ties) >= limit

    # the logarithm is convex in the rate and not above 0 somewhere near the mean
    low = _end(is_out, value, 0.0)
    high = _end(is_out, value, 1.0)
    return WinRate(value, (low, high), n)


def log_wealth(rate: float, wins: int, losses: int, ties: int) -> float:
    """The logarithm of what 1 has become by betting that the true rate is not `rate`, which is
    between 0 and 1, both excluded."""
    up = np.log(_STAKES) - np.log(rate)
    down = np.log1p(-_STAKES) - np.log1p(-rate)
    of_node = wins * up + losses * down
    if ties:
        of_node = of_node + ties * (np.logaddexp(up, down) - np.log(2))
    top = float(of_node.max())
    return top + float(np.log(np.exp(of_node - top).mean()))


def _stakes() -> NDArray[np.float64]:
    """Where the arcsine law is summed up: every node weighs the same."""
    angles = (2 * np.arange(1, _NODES + 1) - 1) * np.pi / (4 * _NODES)
    return np.asarray(np.sin(angles) ** 2)


_STAKES = _stakes()


def _end(is_out: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where rates begin to be out, between the mean and an end of the scale; that end if none."""
    edge = outside + (1e-12 if outside == 0.0 else -1e-12)
    if not is_out(edge):
        return outside
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if is_out(min(max(middle, 1e-12), 1 - 1e-12)):
            outside = middle
        else:
            inside = middle
    return outside
