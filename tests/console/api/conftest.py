"""A real API process over a workspace with a batch, a dataset version, a model and a training."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.api import keys
from console.main import main
from rounds import dataset
from storage import checkpoints, events, jobs, models, workspace
from storage.rows import JobEvent
from storage.workspace import Workspace

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Api:
    """A running API. `calling("write")` is a program with a key of that scope.

    `trained` is a training on v1 from the model `tiny` that left the checkpoint round-1. Nothing
    says of the model `plain` that it can answer.
    """

    url: str
    workspace: Workspace
    trained: str

    def calling(self, scope: str = "read", token: str | None = None) -> httpx.Client:
        if token is None:
            token = keys.mint(self.workspace, f"program {next(_numbers)}", scope).token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)


@pytest.fixture(scope="session")
def api(new_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One server for all tests of the API: each of them tolerates what the others left."""
    home = shutil.copytree(new_home, tmp_path_factory.mktemp("api") / "home")
    _import_records(home)
    opened = workspace.open_existing(home)
    trained = _train(opened)
    command = [sys.executable, "-m", "console.api.server", "--home", str(home), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("API ready at http://127.0.0.1:"), process.communicate()
        try:
            yield Api(ready.split()[-1], opened, trained)
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=120)
            opened.close()
    assert (process.returncode, "Traceback" in errors) == (0, False), errors


def _import_records(home: Path) -> None:
    records = home.parent / "records.jsonl"
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"What is {number} plus one?"},
                {"role": "assistant", "content": f"It is {number + 1}."},
            ],
            "rejected_response": f"It is {number}.",
        }
        for number in range(12)
    ]
    records.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert main(["import", str(records), "--batch", "first", "--home", str(home)]) == 0


def _train(opened: Workspace) -> str:
    """A training that reported three figures and is still running."""
    model, plain = (opened.home.parent / name for name in ("tiny", "plain"))
    for folder in (model, plain):
        folder.mkdir()
        (folder / "config.json").write_text("{}", encoding="utf-8")
    (model / "README.md").write_text("---\ntags: [sft]\n---\n", encoding="utf-8")
    version = dataset.build(opened, dataset.BuildSettings(labels="imported", holdout=0.2))
    with opened.ledger.write() as tx:
        models.add(tx, "tiny", str(model))
        models.add(tx, "plain", str(plain))
        jobs.submit(tx, kind="train", spec={"dataset": version.id}, key="earlier")
        job = jobs.claim(tx, worker="w", lease_seconds=86_400)
        assert job is not None
        jobs.mark_running(tx, job.id, job.fence, 1)
        rows = [JobEvent(job.id, 1, n, "metric", _point(n), 1_000_000 * n) for n in (1, 2, 3)]
        events.append(tx, job.id, job.fence, 1, rows)
        checkpoints.add(
            tx,
            checkpoint_id="c-first",
            name="round-1",
            job_id=job.id,
            parent=None,
            model="tiny",
            kind="adapter",
            path="checkpoints/none",
            dataset_version=version.id,
            config={"beta": 0.1},
            metrics={"reward_gap": {"value": 0.5, "ci95": None, "n": 2, "labels": "imported"}},
        )
    return job.id


def _point(number: int) -> dict[str, Any]:
    split = "holdout" if number == 3 else "train"
    return {"step": number, "epoch": number / 3, "split": split, "values": {"loss": 1 / number}}
