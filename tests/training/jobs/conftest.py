"""A workspace with a dataset version and a model, and workers that are stopped at the end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storage import dataset_versions, identity, jobs, models, workspace
from storage.rows import DatasetRow, DatasetVersion, Job, JobState, Part, Prompt, Turn
from storage.workspace import Workspace
from training.jobs import submission, worker
from training.jobs.lease import Pace
from training.settings.spec import DPOSpec

HERE = Path(__file__).parent
RUNNER = (sys.executable, str(HERE / "model_free_runner.py"))
# it looks often and gives up late: on a busy machine a thread may wait for seconds for its turn
PACE = Pace(lease=60, renew=0.2, unreachable=45, look=0.05, grace=60, idle=0.02)
PATIENCE_SECONDS = 240


def _row(number: int) -> DatasetRow:
    turns = (Turn("user", (Part("text", text=f"How many shapes are in picture {number}?"),)),)
    prompt = Prompt(identity.prompt_id(turns), "counting", turns)
    pair_id = identity.digest({"pair": number})
    return DatasetRow(pair_id, prompt, "three", "four", "imported", 0, 1.0, f"r{number}")


@pytest.fixture
def opened(new_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    made = workspace.open_existing(shutil.copytree(new_home, tmp_path / "home"))
    model = tmp_path / "tiny"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    with made.ledger.write() as tx:
        models.add(tx, "tiny", str(model))
    yield made
    made.close()


@pytest.fixture
def dataset(opened: Workspace) -> DatasetVersion:
    return dataset_versions.write(
        opened,
        [_row(number) for number in range(20)],
        labels="imported",
        policy={},
        excluded={},
        holdout=0.25,
        seed=0,
    )


@pytest.fixture
def submit(opened: Workspace, dataset: DatasetVersion) -> Callable[..., Job]:
    """Queue a training for the runner that needs no model, with orders for it."""

    def queue(start_from: str = "tiny", model_name: str = "", **orders: Any) -> Job:
        settings = DPOSpec(
            model_name=model_name, task_name=json.dumps(orders, separators=(",", ":"))
        )
        return submission.submit_training(
            opened, dataset=dataset.id, start_from=start_from, spec=settings
        )

    return queue


@pytest.fixture
def work(opened: Workspace) -> Callable[..., int]:
    """Attend everything in the queue, here and now."""

    def attend(**changes: Any) -> int:
        options = {"stop": threading.Event(), "once": True, "pace": PACE, "command": RUNNER}
        return worker.run(opened, **(options | changes))

    return attend


@pytest.fixture
def background(opened: Workspace) -> Iterator[Callable[..., threading.Event]]:
    """Start workers in threads; setting the event that comes back stops one."""
    started: list[tuple[threading.Thread, threading.Event]] = []

    def start(**changes: Any) -> threading.Event:
        stop = threading.Event()
        options = {"stop": stop, "pace": PACE, "command": RUNNER} | changes
        thread = threading.Thread(target=worker.run, args=(opened,), kwargs=options)
        thread.start()
        started.append((thread, stop))
        return stop

    yield start
    for _, stop in started:
        stop.set()
    for thread, _ in started:
        thread.join(PATIENCE_SECONDS)


@pytest.fixture
def process(opened: Workspace) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start workers as processes of their own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(HERE / "serve.py"), str(opened.home), *words]
        started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()


@pytest.fixture
def state_of(opened: Workspace) -> Callable[[Job], JobState]:
    def look(job: Job) -> JobState:
        with opened.ledger.read() as db:
            return jobs.get(db, job.id).state

    return look


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait for something to become true; fails after four minutes."""

    def wait(happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            if time.monotonic() > deadline:
                pytest.fail("it did not happen within four minutes")
            time.sleep(0.02)

    return wait
