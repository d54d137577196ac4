"""kill -9 of a runner at twenty places of a real training: it ends as if nothing had been."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from storage.errors import DamagedError
from training.jobs.folder import JobFolder, RunResult
from training.runs import manifest
from training.runs.watch import MACHINE

CYCLES = 20
# a step with its evaluation and its saving touches about so many files; seven is prime to it
STEP_TOUCHES, FIRST_TOUCH, LATER = 45, 60, 7


def _events(folder: JobFolder, kind: str) -> list[dict[str, Any]]:
    lines = folder.events_file.read_text("utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def _newest_whole(folder: JobFolder) -> int:
    """By reading every file, and without putting anything aside."""
    for step in reversed(manifest.steps(folder.checkpoints)):
        try:
            manifest.verify(manifest.step_folder(folder.checkpoints, step))
        except DamagedError:
            continue
        return step
    return 0


def _result(folder: JobFolder) -> RunResult:
    result = folder.result()
    assert result is not None
    assert result.state == "succeeded", result.what
    return result


def _figures(folder: JobFolder) -> dict[tuple[str, int], dict[str, Any]]:
    """(split, step) -> figures. Fails when one was said twice."""
    payloads = [event["payload"] for event in _events(folder, "metric")]
    found = {(one["split"], one["step"]): one["values"] for one in payloads}
    assert len(found) == len(payloads)
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_training_killed_twenty_times_ends_as_one_that_never_was(
    job: Callable[..., JobFolder], examples: Any, forks: Callable[..., Any]
) -> None:
    settings = {"examples": examples.mixed(4, 2), "epochs": 40, "batch_size": 4}
    straight, folder = job("straight", **settings), job("killed", **settings)
    runners = forks("runner")
    places = []
    for cycle in range(CYCLES):
        folder.write_spec(replace(folder.read_spec(), attempt=cycle + 1))
        before = _newest_whole(folder)
        touch = FIRST_TOUCH + LATER * cycle % STEP_TOUCHES
        runners.start(f"{folder.path} {touch}")
        status, said = runners.gone()
        assert status == -signal.SIGKILL, (cycle, said)
        places.append(said[-1])
        _check_where_it_went_on(folder, cycle + 1, before)
    folder.write_spec(replace(folder.read_spec(), attempt=CYCLES + 1))
    for one in (folder, straight):
        runners.start(str(one.path))
        assert runners.gone()[0] == 0
    while_saving = [place for place in places if ".partial" in place]
    assert CYCLES // 4 <= len(while_saving) < CYCLES, places
    assert _newest_whole(folder) == _result(straight).metrics["steps"] == 40
    _check_that_they_are_equal(folder, straight)
    saved = [event["payload"]["step"] for event in _events(folder, "checkpoint")]
    assert saved == list(range(1, 41))


def _check_where_it_went_on(folder: JobFolder, attempt: int, newest_whole: int) -> None:
    """An attempt that came to train began right after the newest checkpoint that was whole."""
    trained = [
        event["payload"]["step"]
        for event in _events(folder, "progress")
        if event["attempt"] == attempt and event["payload"]["phase"] == "training"
    ]
    assert not trained or trained[0] == newest_whole + 1


def _check_that_they_are_equal(folder: JobFolder, straight: JobFolder) -> None:
    ours, theirs = _figures(folder), _figures(straight)
    assert set(ours) == set(theirs)
    for key, values in theirs.items():
        if key[0] == MACHINE:
            # how fast a step was is never the same twice
            continue
        for name, expected in values.items():
            value = ours[key][name]
            if isinstance(expected, dict):
                value, expected = value["value"], expected["value"]
            assert value == pytest.approx(expected, abs=1e-4), (key, name)
    ours_at, theirs_at = (one.path / (_result(one).checkpoint or "") for one in (folder, straight))
    assert ours_at.name == theirs_at.name
    one, other = (load_file(Path(at) / "adapter_model.safetensors") for at in (ours_at, theirs_at))
    assert all(one[name].allclose(other[name], atol=1e-6) for name in other)
