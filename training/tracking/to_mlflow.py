"""MLflow: a run, and its checkpoint as a version of a registered model.

The version's tags say where it comes from; the alias `in_use` names the one in use (see `aliases`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.tracking.points import Point, numbers
from training.tracking.subject import Ending, Subject

ALIAS = "in_use"
TAG = "pairwright."
# what one call may carry
_MOST_METRICS = 1000
_MOST_PARAMETERS = 100
_STATES = {"succeeded": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}


class MLflow:
    """A run in the experiment of the project; `memory` names it."""

    def __init__(self, subject: Subject, memory: Mapping[str, str]) -> None:
        self._subject = subject
        self._client = client(Path(subject.local))
        if "run" not in memory:
            memory = {"run": self._begin()}
        self.memory = memory
        self.where = f"Run {memory['run']} of the experiment {subject.project}."

    def log(self, points: Sequence[Point]) -> None:
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, point.at // 1000, point.step)
            for point in points
            for name, value in point.values.items()
        ]
        for start in range(0, len(metrics), _MOST_METRICS):
            some = metrics[start : start + _MOST_METRICS]
            self._client.log_batch(self.memory["run"], metrics=some)

    def finish(self, ending: Ending) -> None:
        run = self.memory["run"]
        if ending.checkpoint:
            self._register(run, ending)
        self._client.set_terminated(run, _STATES[ending.state])

    def _begin(self) -> str:
        from mlflow.entities import Param

        subject = self._subject
        experiment = self._client.get_experiment_by_name(subject.project)
        if experiment is None:
            # beside the local ledger of MLflow; a server has a place of its own
            place = None if "MLFLOW_TRACKING_URI" in os.environ else _artifacts(subject)
            number = self._client.create_experiment(subject.project, artifact_location=place)
        else:
            number = experiment.experiment_id
        tags = {f"{TAG}job": subject.job, f"{TAG}start": subject.start, **_dataset_tags(subject)}
        made = self._client.create_run(number, run_name=subject.name, tags=tags)
        settings = [Param(name, str(value)[:500]) for name, value in subject.settings.items()]
        for start in range(0, len(settings), _MOST_PARAMETERS):
            some = settings[start : start + _MOST_PARAMETERS]
            self._client.log_batch(made.info.run_id, params=some)
        return str(made.info.run_id)

    def _register(self, run: str, ending: Ending) -> None:
        """Make the version, unless it is there: a try before may have come so far."""
        subject = self._subject
        if not self._client.search_registered_models(f"name = '{subject.project}'"):
            self._client.create_registered_model(subject.project)
        if version_of(self._client, subject.project, ending.checkpoint) is not None:
            return
        # without files it is a name only: paths of this machine say nothing elsewhere
        source = f"pairwright://{ending.checkpoint}"
        if subject.sends_files:
            self._client.log_artifacts(run, ending.weights, "checkpoint")
            source = f"{self._client.get_run(run).info.artifact_uri}/checkpoint"
        tags = {
            f"{TAG}checkpoint": ending.checkpoint,
            f"{TAG}name": ending.name,
            f"{TAG}parent": ending.parent or subject.start,
            f"{TAG}job": subject.job,
            f"{TAG}round": ending.round,
            **_dataset_tags(subject),
        }
        figures = numbers(ending.metrics, "").items()
        tags |= {name.replace("/", "."): f"{value:.6g}" for name, value in figures}
        kept = {name: value for name, value in tags.items() if value}
        self._client.create_model_version(subject.project, source, run_id=run, tags=kept)


def client(local: Path) -> Any:
    """A client of the server that the environment names, else of a database in `local`."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # a server that hangs is tried again by the worker
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    from mlflow import MlflowClient

    address = os.environ.get("MLFLOW_TRACKING_URI")
    if not address:
        (local / "mlflow").mkdir(parents=True, exist_ok=True)
        address = f"sqlite:///{local / 'mlflow' / 'mlflow.db'}"
    return MlflowClient(tracking_uri=address)


def version_of(tracked: Any, project: str, checkpoint: str) -> str | None:
    """The version of the registered model that is this checkpoint."""
    wanted = f"name = '{project}' and tags.`{TAG}checkpoint` = '{checkpoint}'"
    found = tracked.search_model_versions(wanted)
    return str(found[0].version) if found else None


def _artifacts(subject: Subject) -> str:
    return (Path(subject.local) / "mlflow" / "artifacts").as_uri()


def _dataset_tags(subject: Subject) -> dict[str, str]:
    return {
        f"{TAG}dataset": str(subject.dataset["id"]),
        f"{TAG}dataset_digest": str(subject.dataset["digest"]),
    }
