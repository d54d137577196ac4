"""The whole way with a real model: queue, worker, runner, kill, resume, checkpoint, evaluation."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from storage import (
    checkpoints,
    dataset_versions,
    evaluations,
    events,
    identity,
    jobs,
    media,
    models,
    pictures,
)
from storage.rows import DatasetRow, DatasetVersion, Job, JobState, Part, Prompt, Turn
from storage.workspace import Workspace
from training.jobs import local_runner, submission
from training.settings.spec import DPOSpec

Until = Callable[[Callable[[], object]], None]


def _row(opened: Workspace, number: int, folder: Path) -> DatasetRow:
    path = folder / "picture.png"
    Image.new("RGB", (20, 20), (10 * number, 0, 200)).save(path)
    row, data = pictures.normalize(path.read_bytes())
    opened.media.put(data, row)
    with opened.ledger.write() as tx:
        media.add(tx, row)
    parts = (Part("image", media=row.id), Part("text", text=f"No. {number}: which colour?"))
    turns = (Turn("user", parts),)
    prompt = Prompt(identity.prompt_id(turns), "attribute", turns)
    pair = identity.digest({"pair": number})
    return DatasetRow(pair, prompt, "It is blue.", "green", "imported", 0, 1.0, f"r{number}")


@pytest.fixture
def pictured(opened: Workspace, tmp_path: Path, tiny_vlm: Path) -> DatasetVersion:
    with opened.ledger.write() as tx:
        models.add(tx, "tiny-vlm", str(tiny_vlm))
    rows = [_row(opened, number, tmp_path) for number in range(20)]
    return dataset_versions.write(
        opened, rows, labels="imported", policy={}, excluded={}, holdout=0.3, seed=1
    )


def _saved_steps(opened: Workspace, job: Job) -> list[int]:
    with opened.ledger.read() as db:
        return [event.payload["step"] for event in events.listed(db, job.id, kind="checkpoint")]


SETTINGS = DPOSpec(
    model_name="blue",
    epochs=4,
    batch_size=4,
    learning_rate=1e-3,
    lora_rank=4,
    early_stop=False,
    gradient_accumulation_steps=1,
)
FIGURES = ("preference_accuracy", "reward_accuracy", "reward_gap", "kl_per_token")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_real_training_killed_in_the_middle_resumes_and_becomes_a_checkpoint(
    opened: Workspace,
    pictured: DatasetVersion,
    background: Callable[..., threading.Event],
    work: Callable[..., int],
    until: Until,
    state_of: Callable[[Job], JobState],
) -> None:
    job = submission.submit_training(
        opened, dataset=pictured.id, start_from="tiny-vlm", spec=SETTINGS
    )
    stop = background(command=local_runner.COMMAND)
    until(lambda: _saved_steps(opened, job))
    with opened.ledger.read() as db:
        first = jobs.attempts(db, job.id)[-1]
    os.kill(first.pid, signal.SIGKILL)
    saved = max(_saved_steps(opened, job))
    until(lambda: state_of(job).is_final)
    stop.set()
    _check_that_it_went_on(opened, job, saved)
    with opened.ledger.read() as db:
        (found,) = checkpoints.listed(db)
    assert set(FIGURES) <= set(found.metrics)
    assert found.metrics["preference_accuracy"]["labels"] == "imported"

    submission.submit_evaluation(opened, checkpoint="blue", dataset=pictured.id)
    assert work(command=local_runner.COMMAND) == 1
    with opened.ledger.read() as db:
        measured = evaluations.listed(db, checkpoint=found.id)[0].metrics
    for name in FIGURES:
        expected = found.metrics[name]["value"]
        assert measured[name]["value"] == pytest.approx(expected, rel=1e-3, abs=1e-4), name


def _check_that_it_went_on(opened: Workspace, job: Job, saved: int) -> None:
    """The second attempt began where the first was saved, and no step is there twice."""
    with opened.ledger.read() as db:
        done = jobs.get(db, job.id)
        tries = jobs.attempts(db, job.id)
        metrics = events.listed(db, job.id, kind="metric")
    assert (done.state, done.error) == (JobState.SUCCEEDED, "")
    assert [one.outcome for one in tries] == ["lost", "succeeded"]
    said = [(event.payload["split"], event.payload["step"]) for event in metrics]
    assert len(said) == len(set(said))
    assert min(event.payload["step"] for event in metrics if event.attempt == 2) >= saved
