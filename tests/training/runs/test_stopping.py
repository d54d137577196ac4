"""When a run ends before its last step: by intervals, over evaluations in a row, with figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from training.measuring.figures import Figure
from training.runs import stopping
from training.runs.schedule import Evaluated
from training.runs.stopping import Changes, Rules

RULES = Rules(kl_threshold=0.5, overfit_evaluations=2, plateau_evaluations=4)
FALLS, RISES, FLAT = (-0.2, -0.1), (0.01, 0.09), (-0.05, 0.04)


def figure(ends: tuple[float, float] | None, n: int = 240) -> Figure:
    middle = None if ends is None else sum(ends) / 2
    return Figure(middle, ends, n, "oracle")


def run_of(
    *losses: tuple[float, float],
    accuracy: tuple[float, float] = FLAT,
    training: tuple[float, float] | None = FALLS,
    n: int = 240,
) -> list[Changes]:
    """Evaluations every ten steps whose losses change so against the leader they met."""
    found: list[Changes] = []
    for number, loss in enumerate(losses, start=1):
        leading = stopping.leader(history(0), found) or 0
        told = figure(loss, n), figure(accuracy, n), figure(training)
        found.append(Changes(10 * number, leading, *told))
    return found


def history(*lows: float) -> list[Evaluated]:
    return [Evaluated(10 * at, 0.6, low + 0.1, low) for at, low in enumerate(lows)]


def reason(changes: Sequence[Changes], rules: Rules = RULES) -> str | None:
    stopped = stopping.decide(history(0), changes, rules)
    return None if stopped is None else stopped.reason


def test_a_leader_gives_way_only_to_a_loss_below_it_by_the_whole_interval() -> None:
    changes = run_of(FLAT, FALLS, FLAT, FLAT)
    assert [one.leader for one in changes] == [0, 0, 20, 20]
    assert stopping.leader(history(0), changes) == 20


def test_two_evaluations_above_the_leader_while_training_improves_are_over_fitting() -> None:
    assert reason(run_of(FALLS, RISES)) is None
    assert reason(run_of(FALLS, RISES, RISES)) == "overfitting"
    assert reason(run_of(FALLS, RISES, FLAT, RISES)) is None
    assert reason(run_of(FALLS, RISES, RISES, training=FLAT)) is None
    assert reason(run_of(FALLS, RISES, RISES, training=None)) is None


def test_a_falling_preference_accuracy_is_over_fitting_too() -> None:
    assert reason(run_of(FLAT, FLAT, accuracy=FALLS)) == "overfitting"


def test_four_evaluations_without_a_proven_gain_are_a_plateau() -> None:
    assert reason(run_of(FALLS, FLAT, FLAT, FLAT)) is None
    assert reason(run_of(FALLS, FLAT, FLAT, FLAT, FLAT)) == "plateau"
    assert reason(run_of(FALLS, FLAT, FLAT, FLAT, FALLS)) is None


def test_a_rule_that_is_turned_off_ends_no_run() -> None:
    overfits = run_of(FALLS, RISES, RISES, RISES, RISES, RISES)
    assert reason(overfits, Rules(0.5, 0, 0)) is None
    assert reason(overfits, Rules(0.5, 0, 4)) == "plateau"


def test_few_pairs_end_no_run() -> None:
    n = stopping.FEWEST_PAIRS
    assert reason(run_of(FALLS, RISES, RISES, n=n)) == "overfitting"
    assert reason(run_of(FALLS, RISES, RISES, RISES, RISES, n=n - 1)) is None


def test_drift_comes_first_and_every_sentence_has_its_figures() -> None:
    drifted = stopping.decide(history(0, 0.6, 0.7), run_of(FALLS, RISES, RISES), RULES)
    assert drifted is not None
    assert drifted.reason == "drift"
    assert "0.6 (step 10) and 0.7 (step 20)" in drifted.sentence
    overfitted = stopping.decide(history(0), run_of(FALLS, RISES, RISES), RULES)
    assert overfitted is not None
    assert "than at step 10" in overfitted.sentence
    assert "+0.05 (95% interval +0.01 to +0.09)" in overfitted.sentence
    assert "n 240, labels oracle" in overfitted.sentence
    still = stopping.decide(history(0), run_of(*[FLAT] * 4), RULES)
    assert still is not None
    assert "no evaluation since step 0" in still.sentence


def test_what_is_written_is_read_back() -> None:
    (change,) = run_of((0.25, 0.75))
    again = Changes.of_json(change.step, change.as_json())
    assert again.loss == change.loss
    assert again.as_json() == change.as_json()


def test_the_change_of_training_loss_is_welchs_interval() -> None:
    # Welch's own formula by hand: means 2 and 5, variances 1, n 3 each, 4 degrees of freedom
    losses = {1: 4.0, 2: 5.0, 3: 6.0, 4: 1.0, 5: 2.0, 6: 3.0}
    found = stopping.training_change(losses, leading=3, window=3)
    assert found.value == pytest.approx(-3)
    half = 2.7764451 * np.sqrt(2 / 3)
    assert found.ci95 == pytest.approx((-3 - half, -3 + half), rel=1e-6)
    # when the start leads, the earlier half stands for what was before
    assert stopping.training_change(losses, leading=0, window=3) == found
    assert stopping.training_change({1: 0.7, 2: 0.6}, leading=1, window=3).ci95 is None
    # losses that no longer move are no reason for a warning
    still = {1: 0.75, 2: 0.75, 3: 0.5, 4: 0.5}
    assert stopping.training_change(still, leading=2, window=2).ci95 == (-0.25, -0.25)
