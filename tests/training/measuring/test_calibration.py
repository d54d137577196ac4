"""Calibration against cases that can be done by hand, and flips both ways."""

from __future__ import annotations

import numpy as np
import pytest

from training.measuring import calibration, figures, pair_figures
from training.modeling.logprobs import Sums


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def test_the_calibration_error_is_the_weighted_distance_of_the_bins() -> None:
    # ten pairs at confidence 0.9, seven right: |0.7 - 0.9|; ten at 0.6, five right: |0.5 - 0.6|
    margins = np.array([logit(0.9)] * 7 + [-logit(0.9)] * 3 + [logit(0.6)] * 5 + [-logit(0.6)] * 5)
    found = calibration.error(margins, "oracle", list(range(20)))
    assert found.value == pytest.approx(0.5 * 0.2 + 0.5 * 0.1)
    assert (found.n, found.labels) == (20, "oracle")
    assert found.ci95 is not None
    assert 0 <= found.ci95[0] < found.ci95[1] <= 1
    filled = [one for one in calibration.bins(margins, "oracle") if one.accuracy.n]
    assert [(round(one.confidence or 0, 6), one.accuracy.value) for one in filled] == [
        (0.6, 0.5),
        (0.9, 0.7),
    ]
    assert filled[1].accuracy.ci95 == pytest.approx(figures.wilson(7, 10))
    # (1 - p) squared by hand
    expected = (7 * 0.01 + 3 * 0.81 + 5 * 0.16 + 5 * 0.36) / 20
    assert calibration.brier(margins, "oracle", list(range(20))).value == pytest.approx(expected)


def test_a_policy_that_prefers_nothing_is_calibrated_and_has_brier_a_quarter() -> None:
    margins = np.zeros(40)
    assert calibration.error(margins, "oracle", list(range(40))).value == pytest.approx(0)
    assert calibration.brier(margins, "oracle", list(range(40))).value == pytest.approx(0.25)


def test_an_interval_that_resamples_groups_is_wider_than_one_over_pairs() -> None:
    random = np.random.default_rng(0)
    margins = np.repeat(random.normal(0.5, 1.0, 60), 5)
    alone = calibration.error(margins, "oracle", list(range(300)))
    grouped = calibration.error(margins, "oracle", [at // 5 for at in range(300)])
    assert alone.ci95 is not None
    assert grouped.ci95 is not None
    assert grouped.ci95[1] - grouped.ci95[0] > 1.5 * (alone.ci95[1] - alone.ci95[0])


def test_without_pairs_there_is_no_figure() -> None:
    found = calibration.error(np.zeros(0), "oracle", [])
    assert (found.value, found.reason) == (None, "no pairs")


def test_flips_count_both_ways_and_a_tie_of_the_reference_is_wrong() -> None:
    reference = Sums(np.array([-1.0, -3, -2, -1, -5, -1]), np.array([-2.0, -2, -2, -3, -1, -2]))
    policy = Sums(np.array([-1.0, -1, -1, -4, -5, -1]), np.array([-2.0, -2, -2, -3, -1, -2]))
    found = pair_figures.flips(policy, reference, "oracle")
    turned, lost = found["reference_wrong_turned"], found["reference_right_lost"]
    assert (turned.value, turned.n) == (pytest.approx(2 / 3), 3)
    assert (lost.value, lost.n) == (pytest.approx(1 / 3), 3)


def test_categories_add_up_to_the_whole() -> None:
    random = np.random.default_rng(1)
    policy, reference = (Sums(*random.normal(-5, 2, (2, 60))) for _ in range(2))
    names = [("counting", "spatial")[at % 2] for at in range(60)]
    found = pair_figures.by_category(policy, reference, 0.1, "oracle", names, list(range(60)))
    assert list(found) == ["counting", "spatial"]
    gaps = [one["reward_gap"]["value"] for one in found.values()]
    margins = 0.1 * ((policy.chosen - reference.chosen) - (policy.rejected - reference.rejected))
    assert np.mean(gaps) == pytest.approx(margins.mean(), abs=1e-5)
    assert {one["preference_accuracy"]["n"] for one in found.values()} == {30}
