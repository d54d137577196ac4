"""A push as a job: queued by the end of a training, and never able to fail it."""

from __future__ import annotations

import json
from collections.abc import Callable

from storage import jobs, publications
from storage.rows import DatasetVersion, JobState
from storage.workspace import Workspace
from training.jobs import submission
from training.settings.spec import parse_spec


def _train(opened: Workspace, dataset: DatasetVersion, steps: int = 1, **hub: object) -> str:
    settings = {"task_name": json.dumps({"steps": steps}), "hub": hub}
    spec = parse_spec(settings)
    job = submission.submit_training(opened, dataset=dataset.id, start_from="tiny", spec=spec)
    return job.id


def test_a_push_that_fails_leaves_the_training_as_it_was(
    opened: Workspace, dataset: DatasetVersion, work: Callable[..., int]
) -> None:
    trained = _train(opened, dataset, repo="org/aligned")
    # this runner cannot push: it says that it is done and names no revision
    work()
    with opened.ledger.read() as db:
        done = jobs.get(db, trained)
        [push] = jobs.listed(db, "publish")
        assert publications.listed(db) == []
    assert done.state is JobState.SUCCEEDED
    assert push.state is JobState.FAILED
    assert "names no revision" in push.error
    assert push.spec["settings"] == {
        "what": "checkpoint",
        "subject": f"c{trained}",
        "repo": "org/aligned",
        "private": True,
    }


def test_every_kept_step_is_queued_where_each_checkpoint_is_asked_for(
    opened: Workspace, dataset: DatasetVersion, work: Callable[..., int]
) -> None:
    _train(opened, dataset, steps=3, repo="org/aligned", when="each_checkpoint")
    work()
    with opened.ledger.read() as db:
        queued = jobs.listed(db, "publish")
        held = list(opened.jobs_folder.glob("*/pushes/*"))
    # newest first: the checkpoint itself was queued last
    assert queued[0].spec["settings"].get("step") is None
    assert {push.spec["settings"].get("step") for push in queued[1:]} >= {1, 2}
    # this runner cannot push: each is over, and nothing is held for them any more
    assert {push.state for push in queued} == {JobState.FAILED}
    assert held == []


def test_a_training_that_was_not_asked_to_pushes_nothing(
    opened: Workspace, dataset: DatasetVersion, work: Callable[..., int]
) -> None:
    _train(opened, dataset)
    _train(opened, dataset, repo="org/aligned", when="never")
    work()
    with opened.ledger.read() as db:
        assert jobs.listed(db, "publish") == []
