"""Evaluation with a real model: scores, the gap on the Rewards page, and the target as a gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.demo import world
from console.views import rewards
from storage import workspace as workspaces

Pairwright = Callable[..., Any]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_rewards_page_shows_the_gap_that_was_evaluated(
    imported: Pairwright, tmp_path: Path
) -> None:
    imported("dataset", "build", "--labels", "imported", "--holdout", "0.34")
    settings = ("epochs=4", "learning_rate=2e-3", "early_stop=false", "model_name=first")
    chosen = (word for setting in settings for word in ("--set", setting))
    start = ("train", "--dataset", "v1", "--from", world.MODEL, *chosen, "--wait", "--json")
    assert imported(*start).result["state"] == "succeeded"
    measure = ("evaluate", "--checkpoint", "first", "--dataset", "v1", "--split", "train", "--json")
    ended = imported(*measure, "--target", "0.01", "--blank-pictures", "--answers", "4")
    assert (ended.code, ended.result["target"]) == (0, {"value": 0.01, "verdict": "met"})
    assert ended.result["annotators_agreement"]["reason"] == "nobody voted on these pairs"
    metrics = ended.result["metrics"]
    _check_what_was_asked_for(metrics)

    opened = workspaces.open_existing(tmp_path / "home")
    try:
        found = {choice.split: choice for choice in rewards.choices(opened)}
        assert set(found) == {"v1 train", "v1 holdout"}
        view = rewards.measured(opened, found["v1 train"])
    finally:
        opened.close()
    assert view is not None
    # what is compared is no zero: the checkpoint has moved from its reference
    assert abs(metrics["reward_gap"]["value"]) > 1e-4
    assert view.gap == pytest.approx(metrics["reward_gap"]["value"], abs=1e-6)
    expected = metrics["log_probability_difference"]["value"]
    assert view.difference == pytest.approx(expected, abs=1e-6)
    assert (view.n, view.rows) == (metrics["reward_gap"]["n"],) * 2
    _check_gates(imported, measure)


def _check_what_was_asked_for(metrics: dict[str, Any]) -> None:
    """Answers before and after with n and labels; of pictures, which these pairs lack, why not."""
    blanked, gain = metrics["blanked_preference_accuracy"], metrics["pictures_preference_gain"]
    assert [(one["value"], one["n"], one["reason"]) for one in (blanked, gain)] == [
        (None, 0, "no pairs")
    ] * 2
    words, before = metrics["answer_words"], metrics["start_answer_words"]
    assert words["n"] == before["n"] == 4
    assert metrics["bleu"]["labels"] == blanked["labels"] == "imported"
    counted = [one["preference_accuracy"]["n"] for one in metrics["by_category"].values()]
    assert sum(counted) == metrics["preference_accuracy"]["n"]
    assert sum(one["accuracy"]["n"] for one in metrics["calibration"]) == sum(counted)


def _check_gates(imported: Pairwright, measure: tuple[str, ...]) -> None:
    """Few pairs decide nothing between the extremes: that is no failure unless asked."""
    ended = imported(*measure, "--target", "0.999")
    assert (ended.code, ended.result["target"]["verdict"]) in {(3, "not met"), (0, "undecided")}
    low, high = ended.result["metrics"]["preference_accuracy"]["ci95"]
    middle = str((low + high) / 2)
    ended = imported(*measure, "--target", middle, "--strict")
    assert (ended.code, ended.result["target"]["verdict"]) == (3, "undecided")


def test_a_target_that_is_no_share_is_refused_before_anything_runs(imported: Pairwright) -> None:
    ended = imported("evaluate", "--checkpoint", "x", "--dataset", "v1", "--target", "65")
    assert ended.code == 1
    assert "The target is 65." in ended.err
    assert imported("job", "list", "--json").result == {"jobs": []}
