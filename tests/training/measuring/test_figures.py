"""Figures against hand-computed and published values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.measuring import figures


@pytest.mark.parametrize(
    ("share", "n", "low", "high"),
    [
        (0.68, 240, 0.619, 0.736),
        (0.76, 180, 0.693, 0.817),
        (0.82, 120, 0.742, 0.878),
        (0.82, 500, 0.784, 0.851),
        (0.82, 1000, 0.795, 0.843),
        (0.65, 240, 0.588, 0.708),
    ],
)
def test_wilson_intervals_match_published_ones(
    share: float, n: int, low: float, high: float
) -> None:
    assert figures.wilson(share * n, n) == pytest.approx((low, high), abs=6e-4)


def test_wilson_stays_within_zero_and_one_at_the_ends() -> None:
    low, high = figures.wilson(0, 10)
    assert (low, high) == pytest.approx((0, 0.27753), abs=1e-5)
    assert figures.wilson(10, 10) == pytest.approx((1 - 0.27753, 1), abs=1e-5)


def test_an_accuracy_counts_a_tie_half() -> None:
    figure = figures.accuracy([2.0, 0.0, -1.0, 1e-7], "oracle")
    assert figure.value == 0.5
    assert figure.n == 4
    assert figure.labels == "oracle"


def test_a_policy_that_equals_its_reference_has_reward_accuracy_one_half() -> None:
    assert figures.accuracy(np.zeros(20), "oracle").value == 0.5


def test_no_pairs_give_no_number_but_a_reason() -> None:
    assert figures.accuracy([], "oracle").as_json() == {
        "value": None,
        "ci95": None,
        "n": 0,
        "labels": "oracle",
        "reason": "no pairs",
    }


def test_values_that_are_not_finite_give_no_number_but_a_reason() -> None:
    figure = figures.mean([1.0, math.nan, math.inf], "oracle")
    assert figure.value is None
    assert figure.reason == "2 values are not finite"


def test_the_mean_of_one_group_has_no_interval() -> None:
    figure = figures.mean([1.0, 3.0], "oracle", groups=[7, 7])
    assert figure.value == 2.0
    assert figure.ci95 is None
    assert "one group" in figure.reason


def test_a_bootstrap_interval_is_near_the_normal_one_and_repeatable() -> None:
    values = np.random.default_rng(1).normal(3, 2, size=400)
    figure = figures.mean(values, "oracle")
    spread = 1.96 * values.std() / 20
    assert figure.value == pytest.approx(values.mean())
    assert figure.ci95 == pytest.approx(
        (values.mean() - spread, values.mean() + spread), abs=0.1 * spread
    )
    assert figures.mean(values, "oracle") == figure


def test_pairs_of_one_picture_do_not_count_as_independent() -> None:
    values = np.repeat(np.random.default_rng(2).normal(size=30), 10)
    alone = figures.mean(values, "oracle")
    grouped = figures.mean(values, "oracle", groups=[int(g) for g in np.repeat(range(30), 10)])
    assert grouped.value == pytest.approx(alone.value)
    assert alone.ci95 is not None
    assert grouped.ci95 is not None
    wider = (grouped.ci95[1] - grouped.ci95[0]) / (alone.ci95[1] - alone.ci95[0])
    # ten copies of each value: the true spread is sqrt(10) times what counting copies suggests
    assert wider == pytest.approx(math.sqrt(10), rel=0.2)


def test_a_ratio_is_sum_over_sum() -> None:
    figure = figures.ratio([1.0, 3.0], [2.0, 2.0], "oracle")
    assert figure.value == 1.0
    assert figure.ci95 == pytest.approx((0.5, 1.5))


def test_longer_wins_counts_equal_lengths_half() -> None:
    assert figures.longer_wins([5, 3, 4], [2, 6, 4], "oracle").value == 0.5
