"""When a run evaluates, stops and what it publishes."""

from __future__ import annotations

import pytest

from training.runs import schedule
from training.runs.schedule import Evaluated


@pytest.mark.parametrize(
    ("pairs", "batch", "accumulation", "steps"),
    [(600, 16, 1, 38), (600, 4, 4, 38), (16, 4, 1, 4), (3, 4, 1, 1), (10, 3, 2, 2)],
)
def test_an_incomplete_last_batch_is_a_step(
    pairs: int, batch: int, accumulation: int, steps: int
) -> None:
    assert schedule.steps_per_epoch(pairs, batch, accumulation) == steps


def test_every_epoch_of_four_steps_or_more_has_four_evaluations() -> None:
    assert all(steps // schedule.interval(steps) >= 4 for steps in range(4, 500))


def history(*kl_lows: float, losses: tuple[float, ...] = ()) -> list[Evaluated]:
    found = [Evaluated(0, 0.693, 0.0, 0.0)]
    for number, low in enumerate(kl_lows, start=1):
        loss = losses[number - 1] if losses else 0.6
        found.append(Evaluated(10 * number, loss, low + 0.1, low))
    return found


def test_one_evaluation_above_the_threshold_is_no_drift() -> None:
    assert not schedule.has_drifted(history(0.1, 0.6), 0.5)
    assert not schedule.has_drifted(history(0.6, 0.4), 0.5)


def test_two_evaluations_in_a_row_above_the_threshold_are_drift() -> None:
    assert schedule.has_drifted(history(0.1, 0.6, 0.7), 0.5)


def test_an_undefined_interval_is_no_drift() -> None:
    assert not schedule.has_drifted([Evaluated(1, 0.6, 3.0, None)] * 2, 0.5)


def test_the_best_is_the_lowest_validation_loss_below_the_threshold() -> None:
    past = history(0.1, 0.2, 0.3, 0.9, losses=(0.6, 0.5, 0.55, 0.3))
    assert schedule.best(past, 0.5, early_stop=True) == schedule.Choice(20)


def test_without_early_stop_the_last_one_is_published() -> None:
    past = history(0.1, 0.9, losses=(0.5, 0.6))
    assert schedule.best(past, 0.5, early_stop=False) == schedule.Choice(20)


def test_when_every_checkpoint_drifted_the_last_one_is_published_with_a_note() -> None:
    choice = schedule.best(history(0.8, 0.9), 0.5, early_stop=True)
    assert choice.step == 20
    assert "No checkpoint has a KL of at most 0.5" in choice.note


def test_a_run_that_never_beat_its_start_says_so() -> None:
    choice = schedule.best(history(0.1, losses=(0.8,)), 0.5, early_stop=True)
    assert choice.step == 10
    assert "lower validation loss than the start" in choice.note
