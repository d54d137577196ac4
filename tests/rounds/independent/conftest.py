"""Small files in the shapes of the benchmarks' own, and jobs that answered them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rounds.independent import running
from rounds.independent.suite import Suite
from storage import jobs, models
from storage.independent_results import IndependentResult
from storage.rows import Job, JobState
from storage.workspace import Workspace

Run = Callable[..., IndependentResult]
ASKED = {
    "category": "pope",
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Is there a dog?"}]}],
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(4):
        Image.new("RGB", (8, 8), (number * 60, 0, 0)).save(folder / f"{number}.jpg")
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff torn")
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """`write("a.json", value)` as JSON, a list under `.jsonl` a line each, a text as it is; returns
    the folder."""
    folder = tmp_path / "files"
    folder.mkdir()

    def make(name: str, content: Any) -> Path:
        text = content if isinstance(content, str) else json.dumps(content)
        if isinstance(content, list) and name.endswith(".jsonl"):
            text = "".join(json.dumps(one) + "\n" for one in content)
        (folder / name).write_text(text, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def finish(workspace: Workspace) -> Callable[[Job, Mapping[str, str]], Job]:
    """`finish(job, {item: answer})` ends a sampling as a worker does."""

    def end(job: Job, said: Mapping[str, Any]) -> Job:
        folder = workspace.jobs_folder / job.id
        folder.mkdir()
        lines = [
            json.dumps({"id": item, "line": at, "prompt": ASKED, "answers": [text]}) + "\n"
            for at, (item, text) in enumerate(said.items(), start=1)
        ]
        (folder / "samples.jsonl").write_text("".join(lines), encoding="utf-8")
        with workspace.ledger.write() as tx:
            taken = jobs.claim(tx, worker="w")
            assert taken is not None
            assert taken.id == job.id
            jobs.mark_running(tx, job.id, taken.fence, 1)
            jobs.finish(tx, job.id, taken.fence, JobState.SUCCEEDED, {})
        with workspace.ledger.read() as db:
            return jobs.get(db, job.id)

    return end


@pytest.fixture
def run(workspace: Workspace, pictures: Path, finish: Callable[..., Job], tmp_path: Path) -> Run:
    """`run(suite, "tiny", {item: answer})`: the result of a model's answers."""

    def make(suite: Suite, model: str, said: Mapping[str, str]) -> IndependentResult:
        folder = tmp_path / model
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text("{}")
        with workspace.ledger.write() as tx:
            if models.get(tx, model) is None:
                models.add(tx, model, str(folder))
        job = running.submit(workspace, suite, checkpoint=model, pictures=pictures)
        return running.record(workspace, finish(job, said))

    return make
