"""Commands that start and follow background work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.demo import world

Pairwright = Callable[..., Any]


@pytest.fixture
def queued(imported: Pairwright) -> tuple[Pairwright, str]:
    """The command line, and a training that waits in the queue."""
    imported("dataset", "build", "--labels", "imported")
    start = ("train", "--dataset", "v1", "--from", world.MODEL, "--json")
    return imported, imported(*start).result["job"]


def test_train_queues_a_job_and_says_that_no_worker_runs(imported: Pairwright) -> None:
    imported("dataset", "build", "--labels", "imported")
    ended = imported("train", "--dataset", "v1", "--from", world.MODEL)
    assert ended.code == 0
    assert "queued" in ended.out
    assert "No worker is running" in ended.err


def test_train_warns_about_a_value_out_of_the_usual_range(imported: Pairwright) -> None:
    imported("dataset", "build", "--labels", "imported")
    start = ("train", "--dataset", "v1", "--from", world.MODEL)
    assert "hardly learns" in imported(*start, "--set", "learning_rate=5e-7").err


def test_train_refuses_an_unknown_setting_and_names_the_nearest(imported: Pairwright) -> None:
    imported("dataset", "build", "--labels", "imported")
    start = ("train", "--dataset", "v1", "--from", world.MODEL)
    ended = imported(*start, "--set", "bta=0.2")
    assert ended.code == 1
    assert "beta" in ended.err
    assert imported("job", "list", "--json").result == {"jobs": []}


def test_train_refuses_an_unknown_model_and_names_those_that_are(imported: Pairwright) -> None:
    imported("dataset", "build", "--labels", "imported")
    imported("model", "add", "tiny", world.MODEL)
    ended = imported("train", "--dataset", "v1", "--from", "tny")
    assert ended.code == 1
    assert "tiny" in ended.err


def test_train_reads_settings_from_a_file_and_the_command_line_wins(
    imported: Pairwright, tmp_path: Path
) -> None:
    imported("dataset", "build", "--labels", "imported")
    config = tmp_path / "settings.json"
    config.write_text(json.dumps({"beta": 0.2, "epoch": 2}))
    start = ("train", "--dataset", "v1", "--from", world.MODEL, "--config", config, "--json")
    job = imported(*start, "--set", "beta=0.3").result["job"]
    settings = imported("job", "show", job, "--json").result["spec"]["settings"]
    assert (settings["beta"], settings["epochs"]) == (0.3, 2)


def test_train_without_a_dataset_is_wrong_use(pairwright: Pairwright) -> None:
    ended = pairwright("train", "--from", "tiny")
    assert ended.code == 2
    assert "--dataset" in ended.err


def test_explain_needs_no_workspace(pairwright: Pairwright) -> None:
    assert "KL" in pairwright("train", "--explain", "beta").out
    assert pairwright("train", "--explain", "epoch", "--json").result["key"] == "epochs"


def test_a_job_is_listed_shown_and_cancelled(queued: tuple[Pairwright, str]) -> None:
    pairwright, job = queued
    [row] = pairwright("job", "list", "--kind", "train", "--json").result["jobs"]
    assert (row["job"], row["state"]) == (job, "queued")
    assert pairwright("job", "show", job, "--json").result["attempts"] == []
    assert pairwright("job", "cancel", job, "--json").result["state"] == "cancelled"
    assert pairwright("job", "cancel", job).code == 0


def test_the_log_of_a_job_that_never_ran_is_empty(queued: tuple[Pairwright, str]) -> None:
    pairwright, job = queued
    assert pairwright("job", "logs", job).out == ""
    pairwright("job", "cancel", job)
    assert pairwright("job", "logs", job, "--follow").code == 0


def test_a_failed_job_fails_the_command_that_waits_with_the_reason(
    imported: Pairwright, tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("{broken\n")
    ended = imported(
        *("sample", "--prompts", prompts, "--from", world.MODEL, "--batch", "new"),
        *("--wait", "--json"),
    )
    assert ended.code == 1
    assert "Line 1 of prompts.jsonl" in ended.result["error"]["what"]


@pytest.mark.slow
def test_ctrl_c_detaches_from_a_job_and_says_how_to_follow_it(
    queued: tuple[Pairwright, str], tmp_path: Path
) -> None:
    watching = subprocess.Popen(
        [
            *(sys.executable, "-m", "console.main", "--home", str(tmp_path / "home"), "train"),
            *("--dataset", "v1", "--from", str(world.MODEL), "--wait"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert watching.stderr is not None
    for line in watching.stderr:
        if line.startswith("train"):
            break
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=240)
    assert watching.returncode == 130
    assert "pairwright job logs" in said
    assert "pairwright job cancel" in said
