"""A target counts as met or missed only when the whole interval says so."""

from __future__ import annotations

from typing import Any

import pytest

from storage.errors import WrongInputError
from training.measuring import targets
from training.settings.spec import DPOSpec, parse_spec


def _metrics(low: float, high: float) -> dict[str, Any]:
    figure = {"value": (low + high) / 2, "ci95": [low, high], "n": 400, "labels": "oracle"}
    return {"preference_accuracy": figure}


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.66, 0.74, "met"),
        (0.65, 0.74, "undecided"),
        (0.6, 0.7, "undecided"),
        (0.5, 0.65, "undecided"),
        (0.5, 0.64, "not met"),
    ],
)
def test_the_verdict_goes_by_the_interval(low: float, high: float, verdict: str) -> None:
    judged = targets.judge(_metrics(low, high), 0.65)
    assert judged.as_json() == {"value": 0.65, "verdict": verdict}
    assert f"{low:.1%} to {high:.1%}, n 400" in judged.why


@pytest.mark.parametrize(
    "metrics",
    [{}, {"preference_accuracy": {"value": None, "ci95": None, "n": 0, "reason": "no pairs"}}],
)
def test_what_was_not_measured_is_undecided(metrics: dict[str, Any]) -> None:
    assert targets.judge(metrics, 0.65).verdict is targets.Verdict.UNDECIDED


@pytest.mark.parametrize("value", [0.0, 1.0, 65.0, -0.1, float("nan")])
def test_a_target_is_a_share(value: float) -> None:
    with pytest.raises(WrongInputError):
        targets.check(value)


def test_a_target_can_be_a_setting_of_the_run_and_is_none_by_default() -> None:
    assert DPOSpec().target_accuracy is None
    assert parse_spec({"target_accuracy": 0.65}).target_accuracy == 0.65
    assert parse_spec({"target_accuracy": "none"}).target_accuracy is None
    with pytest.raises(WrongInputError, match="target_accuracy"):
        parse_spec({"target_accuracy": 65})
