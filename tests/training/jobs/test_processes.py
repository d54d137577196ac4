"""Trainings in two processes of the CPU: they say the figures of one, also when interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.runs.test_dpo import assert_same_weights, figures_by_step, result_of
from training.jobs import local_runner
from training.jobs.folder import JobFolder
from training.jobs.local_runner import LocalRunner
from training.runs import dpo, manifest

MakeJob = Callable[..., JobFolder]
Until = Callable[[Callable[[], object]], None]

# the last update of an epoch holds six pairs of eight: one batch of four and one of two
PAIRS = {"gradient_accumulation_steps": 2, "epochs": 2}
# means per token, of all processes at once instead of batch by batch
BY_TOKEN = {"entropy", "token_accuracy"}


def _members(pid: int) -> list[int]:
    """The processes besides the first."""
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(word) for word in words]


def _saved(folder: JobFolder) -> bool:
    return bool(manifest.steps(folder.checkpoints))


def _finish(folder: JobFolder, until: Until) -> None:
    """An attempt to its end."""
    runner = LocalRunner(folder)
    until(lambda: runner.poll() is not None)
    assert result_of(folder).state == "succeeded", folder.log_tail(60)


def _assert_same(ours: Mapping[str, Any], theirs: Mapping[str, Any], where: str) -> None:
    for name, expected in theirs.items():
        value = ours[name]
        if isinstance(expected, dict):
            value, expected = value.get("value"), expected.get("value")
        tolerance = 0.05 if name in BY_TOKEN else 1e-4
        assert value == pytest.approx(expected, abs=tolerance), (where, name)


def _assert_as_one(folder: JobFolder, one: JobFolder) -> None:
    """The same figures at every step, the same checkpoint, nothing said twice."""
    for split in ("train", "holdout"):
        ours, theirs = figures_by_step(folder, split), figures_by_step(one, split)
        assert list(ours) == list(theirs)
        for step, values in theirs.items():
            _assert_same(ours[step], values, f"{split} {step}")
    assert result_of(folder).checkpoint == result_of(one).checkpoint
    assert_same_weights(folder, one)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("parallel", "method"),
    # of these the second shares out weights that train, the LM head among them
    [("ddp", {"method": "lora"}), ("fsdp2", {"method": "full", "learning_rate": 1e-3})],
)
def test_a_training_in_two_processes_says_the_figures_of_one(
    job: MakeJob, examples: Any, until: Until, parallel: str, method: dict[str, Any]
) -> None:
    pairs, settings = examples.mixed(14, 6), {**PAIRS, **method}
    one = job("one", pairs, **settings)
    folder = job("two", pairs, processes=2, parallel=parallel, **settings)
    dpo.train(one)
    _finish(folder, until)
    _assert_as_one(folder, one)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_training_in_shares_that_is_cancelled_saves_goes_on_and_says_the_figures_of_one(
    job: MakeJob, examples: Any, until: Until
) -> None:
    # long enough to be stopped on a fast machine
    pairs, settings = examples.mixed(14, 6), {**PAIRS, "epochs": 4}
    shared = {"processes": 2, "parallel": "fsdp2", **settings}
    one, folder = job("one", pairs, **settings), job("fsdp2", pairs, **shared)
    dpo.train(one)
    runner = LocalRunner(folder)
    until(lambda: _saved(folder))
    (member,) = _members(runner.pid)
    runner.ask_to_stop()
    until(lambda: runner.poll() is not None)
    assert result_of(folder).state == "stopped"
    assert not local_runner.is_alive(member)
    newest = manifest.newest_verified(folder.checkpoints)
    assert newest is not None
    assert newest.name != "step-8"
    assert "adapter_model.safetensors" in manifest.verify(newest).files
    # put together from shares, which know their weights by name
    optimizer = torch.load(newest / "optimizer.pt", weights_only=True)
    assert all("lora" in name for name in optimizer["state"])
    folder.forget_result()
    folder.write_spec(replace(folder.read_spec(), attempt=2))
    _finish(folder, until)
    _assert_as_one(folder, one)
