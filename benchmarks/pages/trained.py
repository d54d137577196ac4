"""What training leaves in a large workspace: a dataset version, a long run, two checkpoints with
scores and answers. Written through the same calls as a worker."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage import (
    checkpoints,
    dataset_versions,
    evaluations,
    events,
    generations,
    jobs,
    pairs,
    scores,
)
from storage.generations import Drawn
from storage.ledger import Connection
from storage.pairs import PairFilter
from storage.rows import DatasetRow, DatasetVersion, Job, JobEvent, JobState, PairView
from storage.scores import Measured
from storage.workspace import Workspace

ROWS = 10_000
PROMPTS = 2_000
STEPS = 1_000
NAMES = ("first", "second")
CONFIG = {"beta": 0.1, "reference_model": "base", "epochs": 5}


@dataclass(frozen=True)
class Trained:
    """Where the pages of a trained workspace begin."""

    version: DatasetVersion
    run: str


def write(workspace: Workspace) -> Trained:
    """Add all of it; what is there already is used again."""
    with workspace.ledger.read() as db:
        known, versions = checkpoints.listed(db), dataset_versions.listed(db)
        views = pairs.page(db, PairFilter(), ROWS)
    if known:
        return Trained(versions[0], known[0].job_id)
    version = _version(workspace, views)
    run = ""
    for number, name in enumerate(NAMES):
        job = _trained(workspace, version, name)
        run = job.id
        _measure(workspace, name, version, views, number)
        _answer(workspace, name, views[:PROMPTS], number)
    return Trained(version, run)


def _version(workspace: Workspace, views: Sequence[PairView]) -> DatasetVersion:
    rows = [
        DatasetRow(v.pair.id, v.prompt, v.text_a, v.text_b, "consensus", 3, 0.96, "") for v in views
    ]
    return dataset_versions.write(
        *(workspace, rows), labels="votes", policy={}, excluded={"tie": 7}, holdout=0.1, seed=0
    )


def _trained(workspace: Workspace, version: DatasetVersion, name: str) -> Job:
    """A run of many steps that has ended, and its checkpoint."""
    spec = {
        "settings": CONFIG,
        "start": {"name": "base", "model": "base", "checkpoints": []},
        "dataset": version.id,
    }
    with workspace.ledger.write() as tx:
        job = _started(tx, "train", spec)
        told = [
            JobEvent(job.id, job.attempt, number, "metric", payload, 0)
            for number, payload in enumerate(_steps(), start=1)
        ]
        events.append(tx, job.id, job.fence, job.attempt, told)
        jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED)
        checkpoints.add(
            tx,
            checkpoint_id=name,
            name=name,
            job_id=job.id,
            parent=None,
            model="base",
            kind="adapter",
            path=f"checkpoints/{name}",
            dataset_version=version.id,
            config=CONFIG,
            metrics=_figures(0.7),
        )
    return job


def _started(tx: Connection, kind: str, spec: Mapping[str, Any]) -> Job:
    jobs.submit(tx, kind=kind, spec=spec, key=uuid.uuid4().hex)
    job = jobs.claim(tx, worker="benchmark")
    assert job is not None
    return jobs.mark_running(tx, job.id, job.fence, 1)


def _steps() -> Iterator[Mapping[str, Any]]:
    draw = random.Random(1)
    for step in range(1, STEPS + 1):
        splits = ("train", "validation") if step % 20 == 0 else ("train",)
        for split in splits:
            values = {"loss": 0.7 - step / 4000 + draw.gauss(0, 0.02), "learning_rate": 1e-5}
            measured = {"reward_accuracy": 0.6, "reward_gap": step / 2000, "kl_per_token": 0.01}
            yield {
                **{"step": step, "epoch": step / 200, "split": split},
                "values": {**values, **measured},
            }


def _measure(
    workspace: Workspace,
    name: str,
    version: DatasetVersion,
    views: Sequence[PairView],
    number: int,
) -> None:
    with workspace.ledger.write() as tx:
        job = _started(tx, "evaluate", {})
        about = {"job_id": job.id, "checkpoint": name, "dataset_version": version.id}
        evaluations.add(tx, **about, split="all", metrics=_figures(0.6 + number / 10))
        jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED)
    path = workspace.home / "scores.jsonl"
    draw = random.Random(number)
    path.write_text("".join(json.dumps(_score(view, draw)) + "\n" for view in views))
    told = Measured(job.id, name, version.id, "all", "base", "consensus", CONFIG["beta"])
    scores.seal(workspace, path, told)
    path.unlink()


def _score(view: PairView, draw: random.Random) -> Mapping[str, Any]:
    margin = draw.gauss(0.3, 1.0)
    return {
        "pair_id": view.pair.id,
        "split": "train",
        "category": view.prompt.category,
        "chosen_logp": -40.0 + 10 * margin,
        "rejected_logp": -42.0,
        "reference_chosen_logp": -40.0,
        "reference_rejected_logp": -42.0,
        "chosen_tokens": 25,
        "rejected_tokens": 25,
        "margin": margin,
    }


def _figures(value: float) -> Mapping[str, Any]:
    figure = {
        **{"value": value, "ci95": [value - 0.1, value + 0.1], "n": ROWS},
        **{"labels": "consensus", "reference": "base"},
    }
    return dict.fromkeys(("preference_accuracy", "reward_accuracy", "reward_gap"), figure)


def _answer(workspace: Workspace, name: str, views: Sequence[PairView], number: int) -> None:
    path = workspace.home / "samples.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for view in views:
            texts = [part.text for turn in view.prompt.turns for part in turn.parts]
            content = [{"type": "text", "text": text} for text in texts]
            prompt = {
                "category": view.prompt.category,
                "messages": [{"role": "user", "content": content}],
            }
            answers = [(view.text_a, view.text_b)[number]]
            file.write(json.dumps({"prompt": prompt, "answers": answers}) + "\n")
    generations.seal(workspace, path, Drawn(uuid.uuid4().hex[:12], name, 0.0, 0, number + 1))
    path.unlink()
