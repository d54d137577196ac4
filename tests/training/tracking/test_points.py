"""Figures in a run's events as numbers under names."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import WrongInputError
from training.jobs.folder import JobFolder
from training.settings.spec import parse_spec
from training.tracking import standing
from training.tracking.points import Points, numbers

ACCURACY = {"value": 0.75, "ci95": [0.5, None], "n": 8, "labels": "imported"}


def test_a_figure_keeps_its_name_and_its_interval_gets_two() -> None:
    found = numbers({"accuracy": ACCURACY, "loss": 1, "kl": {"value": None, "ci95": None}}, "all")
    assert found == {"all/accuracy": 0.75, "all/accuracy_low": 0.5, "all/loss": 1.0}


def test_words_lists_truth_values_and_what_is_not_finite_are_left_out() -> None:
    values = {"a": "x", "b": [1, 2], "c": True, "d": float("nan"), "e": {"f": 2.5}}
    assert numbers(values, "") == {"e/f": 2.5}


def test_each_metric_is_read_once_in_order_and_a_half_line_not_before_it_is_whole(
    tmp_path: Path,
) -> None:
    folder = JobFolder(tmp_path)
    points = Points(folder.events_file, after=0)
    assert points.fresh() == []
    folder.note("hello")
    folder.metric(1, 0.5, "train", {"loss": 0.5})
    with folder.events_file.open("a") as events:
        events.write('{"sequence": 3, "kind": "metric", "at": 7, "payload": {"step": 2, ')
    assert [(one.step, one.values) for one in points.fresh()] == [(1, {"train/loss": 0.5})]
    with folder.events_file.open("a") as events:
        events.write('"epoch": 1.0, "split": "train", "values": {"loss": 0.25}}}\n')
    assert [(one.sequence, one.at, one.values) for one in points.fresh()] == [
        (3, 7, {"train/loss": 0.25})
    ]
    assert points.fresh() == []


def test_what_was_sent_before_is_not_read_again(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    for step in range(1, 5):
        folder.metric(step, step, "train", {"loss": 0.5})
    assert [one.step for one in Points(folder.events_file, after=2).fresh(most=1)] == [3]


def test_a_problem_is_told_without_addresses_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "a-long-secret")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ann:hidden@track.example/")
    error = ValueError(
        "a-long-secret is refused by https://ann:hidden@track.example/api\n and https://ann:hidden@x"
    )
    said = standing.said_of(error)
    assert said == "ValueError: $WANDB_API_KEY is refused by $MLFLOW_TRACKING_URIapi"
    assert standing.said_of(OSError("no https://ann:hidden@other/api")) == (
        "OSError: no https://other/api"
    )


def test_several_trackers_are_named_by_one_setting() -> None:
    assert parse_spec({}).tracking == ("none",)
    assert parse_spec({"tracking": "wandb, mlflow"}).tracking == ("wandb", "mlflow")
    assert parse_spec(parse_spec({"tracking": "mlflow"}).resolved()).tracking == ("mlflow",)
    for wrong in ("comet", "mlflow,mlflow", "none,mlflow"):
        with pytest.raises(WrongInputError, match="possible is tensorboard or wandb or mlflow"):
            parse_spec({"tracking": wrong})
    with pytest.raises(WrongInputError, match="tracking_project"):
        parse_spec({"tracking_project": ""})
