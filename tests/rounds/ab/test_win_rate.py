"""The win rate's interval stays right for whoever looks after every vote."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import betaln

from rounds.ab import win_rate


@pytest.mark.parametrize(("wins", "losses"), [(1, 0), (7, 3), (60, 40), (900, 1100), (4000, 4000)])
@pytest.mark.parametrize("rate", [0.05, 0.5, 0.61])
def test_without_ties_the_wealth_is_the_beta_binomial_mixture(
    wins: int, losses: int, rate: float
) -> None:
    closed = betaln(wins + 0.5, losses + 0.5) - betaln(0.5, 0.5)
    closed -= wins * math.log(rate) + losses * math.log1p(-rate)
    assert win_rate.log_wealth(rate, wins, losses, 0) == pytest.approx(closed, abs=1e-8)


def test_the_ends_are_where_the_wealth_is_twenty() -> None:
    found = win_rate.measure(60, 30, 10)
    assert (found.value, found.n) == (0.65, 100)
    assert found.ci95 is not None
    for end in found.ci95:
        assert win_rate.log_wealth(end, 60, 30, 10) == pytest.approx(math.log(20), abs=1e-6)
    low, high = found.ci95
    assert 0.49 < low < 0.5 < 0.65 < high < 0.8
    # it costs width to be allowed to look at any time: Wald's interval at one look is narrower
    assert high - low > 2 * 1.96 * math.sqrt(0.65 * 0.35 / 100) * 0.9


def test_exchanging_the_two_mirrors_the_interval() -> None:
    one, other = win_rate.measure(31, 12, 5), win_rate.measure(12, 31, 5)
    assert one.ci95 is not None
    assert other.ci95 is not None
    assert one.ci95 == pytest.approx((1 - other.ci95[1], 1 - other.ci95[0]))


def test_ties_alone_narrow_the_interval_around_one_half() -> None:
    few, many = win_rate.measure(0, 0, 10), win_rate.measure(0, 0, 1000)
    assert few.value == many.value == 0.5
    assert few.ci95 is not None
    assert many.ci95 is not None
    assert few.ci95[0] < many.ci95[0] < 0.5 < many.ci95[1] < few.ci95[1]


def test_without_pairs_there_is_no_rate_and_with_one_there_is_no_limit() -> None:
    assert win_rate.measure(0, 0, 0) == win_rate.WinRate(None, None, 0)
    low, high = win_rate.measure(1, 0, 0).ci95 or (1.0, 0.0)
    assert low < 0.05
    assert high == 1.0


def test_looking_after_every_vote_misses_the_truth_in_at_most_one_run_in_twenty() -> None:
    """And the usual interval, looked at the same way, misses it far more often."""
    draw = np.random.default_rng(11)
    truth, runs, pairs = 0.55, 60, 100
    missed = usual = 0
    for _ in range(runs):
        # one pair in ten is a tie; the rate of the others makes 0.55 with them
        outcomes = draw.choice([1.0, 0.0, 0.5], size=pairs, p=[0.5, 0.4, 0.1])
        wins, losses = np.cumsum(outcomes == 1.0), np.cumsum(outcomes == 0.0)
        ties = np.arange(1, pairs + 1) - wins - losses
        looks = zip(wins.tolist(), losses.tolist(), ties.tolist(), strict=True)
        missed += any(win_rate.log_wealth(truth, *look) >= math.log(20) for look in looks)
        mean = np.cumsum(outcomes) / np.arange(1, pairs + 1)
        spread = np.array([outcomes[:n].std() for n in range(10, pairs + 1)])
        wald = 1.96 * spread / np.sqrt(np.arange(10, pairs + 1))
        usual += bool((np.abs(mean[9:] - truth) > wald).any())
    assert missed / runs <= 0.05
    assert usual / runs > 0.2
