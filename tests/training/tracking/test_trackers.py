"""What the real packages hold after a run, offline. One that is not installed is left out."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from training.jobs import local_runner
from training.jobs.folder import JobFolder
from training.tracking import sending, standing, subject
from training.tracking.subject import Ending, Subject

pytestmark = pytest.mark.filterwarnings("ignore")
STEPS = 4
DIGEST = "d" * 64
# bytes of W&B's framing: of a file, and of a record (checksum, length, kind)
_FILE_HEADER, _RECORD_HEADER = 7, 7


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobFolder:
    """A run that has ended, which no tracker knows of yet."""
    for name in list(os.environ):
        if name.startswith(("WANDB_", "MLFLOW_", "TRACKIO_")):
            monkeypatch.delenv(name)
    return _ended(tmp_path, "j1", "c1", round="2")


def _ended(home: Path, job: str, checkpoint: str, round: str = "") -> JobFolder:
    folder = JobFolder(home / "jobs" / job)
    folder.path.mkdir(parents=True)
    for step in range(1, STEPS + 1):
        folder.metric(step, step / STEPS, "train", {"loss": 1 / step})
    weights, rows = home / checkpoint, home / "v1.parquet"
    weights.mkdir()
    (weights / "adapter_model.safetensors").write_bytes(b"weights")
    rows.write_bytes(b"rows")
    subject.write_subject(
        folder.path,
        Subject(
            job=job,
            name="blue",
            project="shapes",
            settings={"beta": 0.1},
            start="tiny",
            dataset={"id": "v1", "digest": DIGEST, "rows": 4},
            rows_file=str(rows),
            sends_files=True,
            local=str(home / "tracking"),
        ),
    )
    metrics = {"reward_gap": {"value": 0.5, "ci95": [0.25, 0.75], "n": 4, "labels": "imported"}}
    ending = Ending("succeeded", checkpoint, "blue", "c0", round, str(weights), metrics)
    subject.write_ending(folder.path, ending)
    return folder


def _forget_some(folder: JobFolder, tracker: str) -> None:
    """As if the process had been killed after half of the points."""
    known = standing.read(folder.path, tracker)
    standing.write(folder.path, tracker, replace(known, done=False, sent=2, points=2))


def test_tensorboard_draws_every_step(run: JobFolder) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    assert sending.send(run.path, "tensorboard")
    known = standing.read(run.path, "tensorboard")
    assert (known.done, known.points, known.problem) == (True, STEPS, "")
    local = Path(subject.read_subject(run.path).local)
    drawn = EventMultiplexer().AddRunsFromDirectory(str(local / "tensorboard")).Reload()
    (name,) = drawn.Runs()
    assert name == "shapes/blue-j1"
    said = [(one.step, one.value) for one in drawn.Scalars(name, "train/loss")]
    assert said == [(step, pytest.approx(1 / step)) for step in range(1, STEPS + 1)]


def test_wandb_keeps_the_run_and_the_dataset_offline_without_a_key(run: JobFolder) -> None:
    pytest.importorskip("wandb")
    # of its own: wandb changes the environment and starts a service
    words = [sys.executable, "-m", "training.tracking.sending", str(run.path), "wandb"]
    done = subprocess.run(words, env=local_runner.environment(os.environ), capture_output=True)
    known = standing.read(run.path, "wandb")
    assert (done.returncode, known.done, known.points, known.problem) == (0, True, STEPS, "")
    assert known.where.startswith("wandb sync ")
    records = _wandb_records(Path(known.where.removeprefix("wandb sync ")))
    assert [one["train/loss"] for one in records["history"]] == [1 / n for n in range(1, STEPS + 1)]
    (artifact,) = records["artifact"]
    assert (artifact.name, artifact.type) == ("dataset-v1", "dataset")
    assert json.loads(artifact.metadata)["digest"] == DIGEST
    assert {entry.path for entry in artifact.manifest.contents} == {"dataset.json", "rows.parquet"}


def _wandb_records(folder: Path) -> dict[str, list[Any]]:
    """What the run's own file holds: W&B's records, framed as in a log of LevelDB."""
    from wandb.proto.wandb_internal_pb2 import Record

    (file,) = folder.glob("*.wandb")
    data, at = file.read_bytes(), _FILE_HEADER
    found: dict[str, list[Any]] = {"history": [], "artifact": []}
    # short enough for one block: every record is whole
    while at + _RECORD_HEADER <= len(data):
        size = int.from_bytes(data[at + 4 : at + 6], "little")
        record = Record.FromString(data[at + _RECORD_HEADER : at + _RECORD_HEADER + size])
        at += _RECORD_HEADER + size
        if record.HasField("history"):
            items = record.history.item
            row = {item.key or "/".join(item.nested_key): item.value_json for item in items}
            found["history"].append({name: json.loads(value) for name, value in row.items()})
        if record.HasField("artifact"):
            found["artifact"].append(record.artifact)
    return found


def test_trackio_keeps_the_run_in_a_local_database(run: JobFolder) -> None:
    pytest.importorskip("trackio")
    words = [sys.executable, "-m", "training.tracking.sending", str(run.path), "trackio"]
    subprocess.run(words, env=local_runner.environment(os.environ), capture_output=True)
    known = standing.read(run.path, "trackio")
    assert (known.done, known.points, known.problem) == (True, STEPS, "")
    local = Path(subject.read_subject(run.path).local)
    with sqlite3.connect(local / "trackio" / "shapes.db") as db:
        rows = db.execute("select run_name, step, metrics from metrics order by id").fetchall()
    assert {name for name, _, _ in rows} == {"blue-j1"}
    losses = [(step, json.loads(said).get("train/loss")) for _, step, said in rows]
    assert losses[:STEPS] == [(step, 1 / step) for step in range(1, STEPS + 1)]
    assert json.loads(rows[-1][2])["checkpoint/reward_gap"] == 0.5


@pytest.mark.slow
def test_mlflow_registers_checkpoints_with_lineage_and_the_alias_follows_use(
    run: JobFolder, tmp_path: Path
) -> None:
    pytest.importorskip("mlflow")
    from training.tracking import aliases
    from training.tracking.to_mlflow import client

    other = _ended(tmp_path / "more", "j2", "c2")
    subject.write(
        other.path / subject.FOLDER / "subject.json",
        subject.read(run.path / subject.FOLDER / "subject.json") | {"job": "j2"},
    )
    for folder in (run, other):
        assert sending.send(folder.path, "mlflow"), standing.read(folder.path, "mlflow").problem
    tracked = client(tmp_path / "tracking")
    memory = standing.read(run.path, "mlflow").memory
    _forget_some(run, "mlflow")
    assert sending.send(run.path, "mlflow")

    drawn = tracked.get_metric_history(memory["run"], "train/loss")
    assert [(one.step, one.value) for one in drawn] == [(n, 1 / n) for n in range(1, STEPS + 1)]
    versions = {one.tags["pairwright.checkpoint"]: one for one in _versions(tracked)}
    assert sorted(versions) == ["c1", "c2"]
    lineage = {name: versions["c1"].tags[f"pairwright.{name}"] for name in ("job", "parent")}
    assert lineage == {"job": "j1", "parent": "c0"}
    assert versions["c1"].tags["pairwright.dataset_digest"] == DIGEST
    assert versions["c1"].tags["pairwright.round"] == "2"
    assert versions["c1"].tags["reward_gap"] == "0.5"
    weights = Path(versions["c1"].source.removeprefix("file://")) / "adapter_model.safetensors"
    assert weights.read_bytes() == b"weights"

    def move(checkpoint: str, folder: JobFolder) -> str:
        words = (str(tmp_path), "shapes", checkpoint, str(folder.path))
        assert aliases.main(words) == 0, standing.read(folder.path, "mlflow").problem
        held = tracked.get_model_version_by_alias("shapes", "in_use")
        return held.tags["pairwright.checkpoint"]

    assert move("c1", run) == "c1"
    assert move("c2", other) == "c2"
    # a rollback
    assert move("c1", run) == "c1"
    assert aliases.main((str(tmp_path), "", "", "")) == 0
    assert not tracked.get_registered_model("shapes").aliases
    assert aliases.main((str(tmp_path), "shapes", "c9", str(run.path))) == 1
    assert "no version of shapes is c9" in standing.told(run.path)[0]


def _versions(tracked: Any) -> list[Any]:
    return list(tracked.search_model_versions("name = 'shapes'"))
