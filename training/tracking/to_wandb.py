"""Weights & Biases: a run, with the dataset version as an artifact."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.tracking.points import Point, numbers
from training.tracking.subject import Ending, Subject


class WandB:
    """A run with the id of our job; offline unless the environment has a key or names a mode."""

    def __init__(self, subject: Subject, memory: Mapping[str, str]) -> None:
        folder = Path(subject.local) / "wandb"
        folder.mkdir(parents=True, exist_ok=True)
        _stay_quiet(folder)
        import wandb

        self._run = wandb.init(
            project=subject.project,
            id=subject.job,
            name=subject.name,
            config={**subject.settings, "start": subject.start, "dataset": dict(subject.dataset)},
            dir=str(folder),
            resume="allow",
            settings=_settings(wandb),
        )
        # steps of several splits need not rise together
        self._run.define_metric("step", hidden=True)
        self._run.define_metric("*", step_metric="step")
        self.memory = memory
        if not memory.get("dataset"):
            self._run.log_artifact(_dataset(wandb, subject))
            self.memory = {**memory, "dataset": subject.dataset["digest"]}
        sync = f"wandb sync {Path(self._run.dir).parent}"
        self.where = sync if self._run.offline else str(self._run.url)

    def log(self, points: Sequence[Point]) -> None:
        for point in points:
            self._run.log({**point.values, "step": point.step, "epoch": point.epoch})

    def finish(self, ending: Ending) -> None:
        self._run.summary.update(numbers(ending.metrics, "checkpoint"))
        told = {"state": ending.state, "checkpoint": ending.checkpoint, "round": ending.round}
        self._run.config.update(told, allow_val_change=True)
        self._run.finish(exit_code=0 if ending.state == "succeeded" else 1)


def _stay_quiet(folder: Path) -> None:
    """No telemetry, no files outside the workspace, nothing sent without a key."""
    defaults = {
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_CACHE_DIR": str(folder / "cache"),
        "WANDB_DATA_DIR": str(folder / "data"),
        "WANDB_CONFIG_DIR": str(folder / "config"),
    }
    if not os.environ.get("WANDB_API_KEY"):
        defaults["WANDB_MODE"] = "offline"
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def _settings(wandb: Any) -> Any:
    """Nothing of this machine: no hardware, no packages, no code, no console output."""
    return wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        disable_code=True,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
    )


def _dataset(wandb: Any, subject: Subject) -> Any:
    about = dict(subject.dataset)
    artifact = wandb.Artifact(f"dataset-{about['id']}", type="dataset", metadata=about)
    with artifact.new_file("dataset.json") as file:
        file.write(json.dumps(about, sort_keys=True))
    if subject.rows_file:
        artifact.add_file(subject.rows_file, name="rows.parquet")
    return artifact
