"""Ledgers as the pages meet them: jobs, checkpoints, answers; pages that open the workspace."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from storage import (
    checkpoints,
    dataset_versions,
    evaluations,
    events,
    generations,
    identity,
    jobs,
    scores,
)
from storage.generations import Drawn
from storage.rows import Checkpoint, DatasetRow, Job, JobEvent, JobState, Part, Prompt, Turn
from storage.scores import Measured
from storage.workspace import Workspace
from training.runs import manifest

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
            job = jobs.claim(tx, worker="here", lease_seconds=86_400)
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
        test = AppTest.from_file(str(APP), default_timeout=240)
        for key, value in query.items():
            test.query_params[key] = value
        if name != "overview":
            test.switch_page(f"screens/{name}.py")
        return test.run()

    yield show
    # the pages share one open workspace, which must not outlive the test
    st.cache_resource.clear()


TRAINED_WITH = {"beta": 0.1, "reference_model": "base", "epochs": 5}


def figure(value: float, spread: float = 0.1, n: int = 40) -> dict[str, Any]:
    ends = [value - spread, value + spread]
    return {"value": value, "ci95": ends, "n": n, "labels": "oracle", "reference": "base"}


@dataclass(frozen=True)
class Maker:
    """Puts into a workspace what training, evaluating and sampling leave there."""

    workspace: Workspace

    def dataset(self) -> str:
        turns = (Turn("user", (Part("text", "How many?"),)),)
        prompt = Prompt(identity.prompt_id(turns), "counting", turns)
        row = DatasetRow("p1", prompt, "three", "four", "oracle", 0, 1.0, "r1")
        version = dataset_versions.write(
            *(self.workspace, [row]),
            labels="oracle",
            policy={},
            excluded={},
            holdout=0.0,
            seed=0,
        )
        return version.id

    def checkpoint(self, name: str, parent: str | None = None, **settings: Any) -> Checkpoint:
        """A checkpoint with files and a manifest; a dataset version is made when none is there."""
        with self.workspace.ledger.read() as db:
            known = dataset_versions.listed(db)
        version = known[0].id if known else self.dataset()
        folder = self.workspace.checkpoints_folder / f"c-{name}"
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_bytes(name.encode())
        manifest.complete(folder, {"step": 1})
        with self.workspace.ledger.write() as tx:
            job = jobs.submit(tx, kind="train", spec={}, key=uuid.uuid4().hex)
            return checkpoints.add(
                tx,
                checkpoint_id=f"c-{name}",
                name=name,
                job_id=job.id,
                parent=parent,
                model="/models/tiny",
                kind="adapter",
                path=f"checkpoints/c-{name}",
                dataset_version=version,
                config={**TRAINED_WITH, **settings},
                metrics={"preference_accuracy": figure(0.7), "reward_gap": figure(0.2)},
            )

    def measure(self, checkpoint: str, *margins: float, split: str = "all") -> str:
        """An evaluation whose pairs have these reward margins; returns the job's id."""
        with self.workspace.ledger.write() as tx:
            job = jobs.submit(tx, kind="evaluate", spec={}, key=uuid.uuid4().hex)
            gap = sum(margins) / len(margins)
            metrics = {"reward_gap": figure(gap), "preference_accuracy": figure(0.8)}
            evaluations.add(
                tx,
                job_id=job.id,
                checkpoint=checkpoint,
                dataset_version="v1",
                split=split,
                metrics=metrics,
            )
        lines = (json.dumps(_score(at, margin)) + "\n" for at, margin in enumerate(margins))
        path = self.workspace.home / "scores.jsonl"
        path.write_text("".join(lines), encoding="utf-8")
        measured = Measured(job.id, checkpoint, "v1", split, "base", "oracle", 0.1)
        scores.seal(self.workspace, path, measured)
        return job.id

    def answer(
        self, source: str, answers: Mapping[str, str], category: str = "counting", **how: Any
    ) -> None:
        """`answer("tiny", {"How many?": "Two."})` is a sampling of one answer per question."""
        path = self.workspace.home / "samples.jsonl"
        lines = []
        for question, text in answers.items():
            content = [{"type": "text", "text": question}]
            prompt = {"category": category, "messages": [{"role": "user", "content": content}]}
            lines.append(json.dumps({"prompt": prompt, "answers": [text]}) + "\n")
        path.write_text("".join(lines), encoding="utf-8")
        drawn = Drawn(uuid.uuid4().hex[:12], source, how.get("temperature", 0.0), 0, 1)
        generations.seal(self.workspace, path, drawn)


def _score(number: int, margin: float) -> dict[str, Any]:
    """Scores with this reward margin at beta 0.1; chosen gains what rejected does not lose."""
    return {
        "pair_id": f"p{number}",
        "split": "train",
        "category": "counting" if number % 2 else "spatial",
        "chosen_logp": -1.0 + 10 * margin,
        "rejected_logp": -3.0,
        "reference_chosen_logp": -1.0,
        "reference_rejected_logp": -3.0,
        "chosen_tokens": 4,
        "rejected_tokens": 5,
        "margin": margin,
    }


@pytest.fixture
def maker(workspace: Workspace) -> Maker:
    """Puts checkpoints, measurements and answers into the workspace."""
    return Maker(workspace)
