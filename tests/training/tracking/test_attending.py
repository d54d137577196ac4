"""A worker's thread brings runs to trackers: through kills, failures and changes of use."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage import activations, checkpoints, dataset_versions, identity, jobs, models, workspace
from storage.rows import DatasetRow, Job, JobState, Part, Prompt, Turn
from storage.workspace import Workspace
from training.jobs import submission
from training.jobs.folder import JobFolder
from training.runs import manifest
from training.settings.spec import DPOSpec
from training.tracking import facts, standing, subject
from training.tracking.attending import Attendant

PATIENCE_SECONDS = 120


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace.create(tmp_path / "home")
    model = tmp_path / "tiny"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    turns = (Turn("user", (Part("text", text="How many?"),)),)
    prompt = Prompt(identity.prompt_id(turns), "counting", turns)
    row = DatasetRow("p1", prompt, "three", "four", "imported", 0, 1.0, "r1")
    with made.ledger.write() as tx:
        models.add(tx, "tiny", str(model))
    dataset_versions.write(
        made, [row], labels="imported", policy={}, excluded={}, holdout=0, seed=0
    )
    yield made
    made.close()


def _started(opened: Workspace, *trackers: str) -> tuple[Job, JobFolder]:
    """A training whose run has begun."""
    spec = DPOSpec(tracking=trackers, tracking_project="shapes")
    job = submission.submit_training(opened, dataset="v1", start_from="tiny", spec=spec)
    with opened.ledger.write() as tx:
        claimed = jobs.claim(tx, worker="w", lease_seconds=600)
    assert claimed is not None
    folder = JobFolder(opened.jobs_folder / job.id)
    folder.path.mkdir()
    folder.metric(1, 0.5, "train", {"loss": 0.5})
    return claimed, folder


def _done(opened: Workspace, job: Job) -> str:
    """Its end, with a checkpoint; returns the id of that."""
    place = opened.checkpoints_folder / f"c{job.id}"
    place.mkdir()
    manifest.complete(place, {"step": 1})
    with opened.ledger.write() as tx:
        made = checkpoints.add(
            tx,
            checkpoint_id=f"c{job.id}",
            name=f"made-{job.id[:6]}",
            job_id=job.id,
            parent=None,
            model="tiny",
            kind="adapter",
            path=f"{opened.checkpoints_folder.name}/c{job.id}",
            dataset_version="v1",
            config=job.spec["settings"],
            metrics={},
        )
        jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED, {"checkpoint": made.id})
    return made.id


def _until(attendant: Attendant, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        attendant.look()
        time.sleep(0.05)


def test_a_killed_sender_goes_on_where_it_was_and_hears_of_the_end(opened: Workspace) -> None:
    pytest.importorskip("tensorboard")
    job, folder = _started(opened, "tensorboard")
    attendant = Attendant(opened)
    _until(attendant, lambda: standing.read(folder.path, "tensorboard").points == 1)
    (errand,) = attendant._errands.values()
    assert errand.process is not None
    os.kill(errand.process.pid, signal.SIGKILL)
    folder.metric(2, 1.0, "train", {"loss": 0.25})
    made = _done(opened, job)
    # not after the pause that a failing tracker gets
    _until(attendant, lambda: errand.process is None)
    errand.due = 0
    _until(attendant, lambda: standing.read(folder.path, "tensorboard").done)
    known = standing.read(folder.path, "tensorboard")
    assert (known.points, known.problem) == (2, "")
    ending = subject.read_ending(folder.path)
    assert ending is not None
    assert (ending.state, ending.checkpoint) == ("succeeded", made)
    # another worker finds nothing to do
    later = Attendant(opened)
    later.look()
    assert [one.process for one in later._all()] == [None]
    attendant.end()


def test_one_sender_at_a_time_even_with_two_workers(opened: Workspace) -> None:
    pytest.importorskip("tensorboard")
    _started(opened, "tensorboard")
    first, second = Attendant(opened), Attendant(opened)
    first.look()
    second.look()
    assert [one.process is not None for one in (*first._all(), *second._all())] == [True, False]
    first.end()
    second.end()


def test_a_tracker_that_fails_is_a_note_and_is_tried_again(opened: Workspace) -> None:
    pytest.importorskip("tensorboard")
    job, folder = _started(opened, "tensorboard")
    blocked = opened.home / facts.LOCAL
    blocked.write_text("a file where a folder should be")
    attendant = Attendant(opened)
    _until(attendant, lambda: bool(standing.read(folder.path, "tensorboard").problem))
    (errand,) = attendant._errands.values()
    _until(attendant, lambda: errand.process is None)
    (sentence,) = standing.told(folder.path)
    assert sentence.startswith("Tracking by tensorboard failed after 0 points: ")
    with opened.ledger.read() as db:
        assert jobs.get(db, job.id).state is JobState.LEASED
    blocked.unlink()
    errand.due = 0
    _until(attendant, lambda: standing.read(folder.path, "tensorboard").points == 1)
    assert standing.told(folder.path)[0].startswith("Tracked by tensorboard: 1 points. ")
    attendant.end()


def test_without_trackers_nothing_is_written_and_nothing_started(opened: Workspace) -> None:
    _, folder = _started(opened)
    attendant = Attendant(opened)
    attendant.look()
    assert attendant._all() == []
    assert not (folder.path / subject.FOLDER).exists()
    assert standing.told(folder.path) == []


def test_activate_and_rollback_ask_for_the_alias_of_what_is_registered(opened: Workspace) -> None:
    made = []
    for _ in range(2):
        job, folder = _started(opened, "mlflow")
        made.append((_done(opened, job), folder))
    attendant, asked = Attendant(opened), []
    for checkpoint, _folder in made:
        with opened.ledger.write() as tx:
            activations.activate(tx, checkpoint, actor="lead")
    with opened.ledger.read() as db:
        attendant._follow_use(db)
    # not before its version is registered
    assert attendant._moves == {}
    for _, folder in made:
        standing.write(folder.path, "mlflow", standing.Standing(done=True))
    for step in ("activate", "rollback"):
        if step == "rollback":
            with opened.ledger.write() as tx:
                activations.rollback(tx, actor="lead")
        with opened.ledger.read() as db:
            attendant._follow_use(db)
        (errand,) = attendant._moves.values()
        asked.append(errand.words[1:3])
        moved = dict(zip(("project", "checkpoint", "folder"), errand.words[1:], strict=True))
        subject.write(opened.home / facts.LOCAL / "in_use.json", moved)
    assert asked == [("shapes", made[1][0]), ("shapes", made[0][0])]
