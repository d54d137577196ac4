"""Ledgers as the pages meet them: jobs with events, and pages that open the right workspace."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from storage import events, jobs
from storage.rows import Job, JobEvent, JobState
from storage.workspace import Workspace

APP = Path(__file__).resolve().parents[2] / "console" / "app.py"


@dataclass(frozen=True)
class Runs:
    """Puts jobs of every state into a workspace, through the same calls as a worker."""

    workspace: Workspace

    def queue(self, kind: str = "train", **settings: Any) -> Job:
        spec = {
            "settings": {"kl_threshold": 0.5, "beta": 0.1, **settings},
            "start": {"name": "tiny", "model": "/models/tiny", "checkpoints": []},
            "dataset": "v1",
        }
        with self.workspace.ledger.write() as tx:
            return jobs.submit(tx, kind=kind, spec=spec, key=uuid.uuid4().hex)

    def start(self, **settings: Any) -> Job:
        self.queue(**settings)
        with self.workspace.ledger.write() as tx:
            job = jobs.claim(tx, worker="here")
            assert job is not None
            return jobs.mark_running(tx, job.id, job.fence, 42)

    def report(self, job: Job, step: int, split: str = "train", **values: Any) -> None:
        payload = {"step": step, "epoch": 0.1, "split": split, "values": values}
        self.say(job, "metric", payload)

    def say(self, job: Job, kind: str, payload: Mapping[str, Any]) -> None:
        with self.workspace.ledger.write() as tx:
            sequence = 1 + len(events.listed(tx, job.id))
            row = JobEvent(job.id, job.attempt, sequence, kind, payload, 0)
            events.append(tx, job.id, job.fence, job.attempt, [row])

    def end(self, job: Job, state: JobState = JobState.SUCCEEDED, **more: Any) -> None:
        with self.workspace.ledger.write() as tx:
            jobs.finish(tx, job.id, job.fence, state, **more)


@pytest.fixture
def run_jobs(workspace: Workspace) -> Runs:
    return Runs(workspace)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """`page("pairs", batch="first")` runs a page of the console on the workspace of the test."""
    monkeypatch.setenv("PAIRWRIGHT_HOME", str(tmp_path / "home"))

    def show(name: str = "overview", **query: str) -> AppTest:
        test = AppTest.from_file(str(APP), default_timeout=60)
        for key, value in query.items():
            test.query_params[key] = value
        if name != "overview":
            test.switch_page(f"screens/{name}.py")
        return test.run()

    yield show
    # the pages share one open workspace, which must not outlive the test
    st.cache_resource.clear()
