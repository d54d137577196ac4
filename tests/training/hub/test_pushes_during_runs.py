"""Each checkpoint on the Hub while its run goes on: a worker, its runners and the real client."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storage import checkpoints, jobs, models, publications
from storage.rows import DatasetVersion, Job, JobState
from storage.workspace import Workspace
from training.jobs import submission, worker
from training.jobs.lease import Pace
from training.settings import spec as specs

pytestmark = pytest.mark.slow
RUNNER = (sys.executable, str(Path(__file__).with_name("pushing_runner.py")))
PACE = Pace(lease=60, renew=1, unreachable=45, look=0.05, grace=5, idle=0.05)
PATIENCE_SECONDS = 240
Start = Callable[..., Job]


@pytest.fixture
def start(workspace: Workspace, dataset: DatasetVersion, tmp_path: Path) -> Iterator[Start]:
    """`start(steps=5)` begins a training that saves every step and pushes each; a worker runs."""
    model = tmp_path / "tiny"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    with workspace.ledger.write() as tx:
        models.add(tx, "tiny", str(model))
    stop = threading.Event()
    options = {"stop": stop, "pace": PACE, "command": RUNNER}
    thread = threading.Thread(target=worker.run, args=(workspace,), kwargs=options)

    def begin(**orders: Any) -> Job:
        settings = {
            "model_name": "round-1",
            "task_name": json.dumps({"prune": True, **orders}, separators=(",", ":")),
            "hub": {"repo": "org/aligned", "when": "each_checkpoint"},
        }
        spec = specs.parse_spec(settings)
        job = submission.submit_training(
            workspace, dataset=dataset.id, start_from="tiny", spec=spec
        )
        thread.start()
        return job

    yield begin
    stop.set()
    if thread.ident is not None:
        thread.join(PATIENCE_SECONDS)


def _until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it did not happen within four minutes"
        time.sleep(0.05)


def _job(workspace: Workspace, job: Job) -> Job:
    with workspace.ledger.read() as db:
        return jobs.get(db, job.id)


def _pushes(workspace: Workspace) -> list[Job]:
    with workspace.ledger.read() as db:
        return jobs.listed(db, "publish")


def _check_what_is_there(workspace: Workspace, hub: Any, run: Job) -> None:
    """Every commit holds the weights of its step, the last one those of the checkpoint."""
    with workspace.ledger.read() as db:
        [made] = checkpoints.listed(db)
        pushed = {row.revision: row for row in publications.listed(db, made.id)}
        tries = jobs.attempts(db, run.id)
    assert [one.outcome for one in tries] == ["succeeded"]
    repo = hub.repo("org/aligned")
    assert {commit.oid for commit in repo.pushed} == set(pushed) == set(repo.tags.values())
    for commit in repo.pushed[:-1]:
        step = int(pushed[commit.oid].tag.removeprefix("round-1-step-").partition("-")[0])
        assert commit.files["adapter_model.safetensors"][1] == bytes([step % 256]) * 64
        assert f"# round-1-step-{step}" in commit.files["README.md"][1].decode()
    weights = (workspace.home / made.path / "adapter_model.safetensors").read_bytes()
    assert repo.head.files["adapter_model.safetensors"][1] == weights
    assert "# round-1\n" in repo.read("README.md")
    assert not list(workspace.jobs_folder.glob("*/pushes/*"))


def test_a_step_is_on_the_hub_while_its_run_goes_on(
    workspace: Workspace, hub: Any, start: Start
) -> None:
    run = start(steps=100_000, pause=1, until="enough")
    _until(lambda: hub.repos and hub.repo("org/aligned").tags)
    assert _job(workspace, run).state is JobState.RUNNING
    (workspace.jobs_folder / run.id / "enough").touch()
    _until(lambda: _job(workspace, run).state.is_final)
    _until(lambda: all(push.state.is_final for push in _pushes(workspace)))
    assert {push.state for push in _pushes(workspace)} == {JobState.SUCCEEDED}
    _check_what_is_there(workspace, hub, run)


def test_a_hub_that_does_not_answer_holds_no_run_up(
    workspace: Workspace, hub: Any, start: Start
) -> None:
    with hub.gate:
        run = start(steps=2)
        _until(lambda: _job(workspace, run).state.is_final)
        assert _job(workspace, run).state is JobState.SUCCEEDED
        assert hub.repos == {}
    _until(lambda: all(push.state.is_final for push in _pushes(workspace)))
    _check_what_is_there(workspace, hub, run)
