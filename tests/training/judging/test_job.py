"""A judging job from the queue to sealed labels, through a worker and its own runner."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage import jobs, judgements, models
from storage.errors import NotFoundError, WrongInputError
from storage.rows import Batch, Job, JobState
from storage.workspace import Workspace
from training.jobs import worker
from training.jobs.folder import JobFolder
from training.jobs.lease import Pace
from training.judging import submission
from training.judging.submission import JudgeAsked

KEY = "sk-canary-0123456789"
PACE = Pace(lease=20, renew=1, look=0.05, grace=5, idle=0.02)


@pytest.fixture
def batch(workspace: Workspace, make_batch: Callable[..., Batch]) -> Batch:
    with workspace.ledger.write() as tx:
        return make_batch(tx, name="first", pair_count=3)


def _judge(workspace: Workspace, server: Any) -> Job:
    """Submit a job and see it through."""
    asked = JudgeAsked(server.url, "judge-model")
    settings = {"tries": 1, "batch_size": 2, "retry_seconds": 0}
    job = submission.submit(workspace, batch="first", asked=asked, settings=settings)
    worker.run(workspace, stop=threading.Event(), once=True, pace=PACE)
    with workspace.ledger.read() as db:
        return jobs.get(db, job.id)


def test_labels_of_a_job_are_sealed_and_the_key_is_nowhere_in_the_workspace(
    workspace: Workspace, batch: Batch, judge_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_API_KEY", KEY)
    job = _judge(workspace, judge_server)
    assert job.state is JobState.SUCCEEDED, job.error
    assert (job.result or {})["judge"] == "judge-model"
    (known,) = judgements.known(workspace)
    assert (known.judge, known.pairs, known.version) == (
        "judge-model",
        3,
        job.spec["judge"]["version"],
    )
    # "There are three." is longer than "There are two."
    found = judgements.by_pair(workspace, known.judge, known.version)
    assert all(each.is_consistent for each in found.values())
    assert {headers["Authorization"] for headers in judge_server.headers} == {f"Bearer {KEY}"}
    files = [path for path in workspace.home.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    # a second job finds nothing left to ask, unless it is asked to
    asked = len(judge_server.bodies)
    again = _judge(workspace, judge_server)
    assert ((again.result or {})["metrics"]["pairs"], len(judge_server.bodies)) == (0, asked)
    anew = JudgeAsked(judge_server.url, "judge-model", again=True)
    waiting = submission.submit(workspace, batch="first", asked=anew)
    folder = JobFolder(workspace.jobs_folder / waiting.id)
    folder.path.mkdir()
    submission.write_pairs(workspace, waiting, folder)
    assert len(folder.pairs_file.read_bytes().splitlines()) == 3


def test_labels_of_a_job_that_failed_half_way_are_kept_for_the_next(
    workspace: Workspace, batch: Batch, judge_server: Any, wire: Any
) -> None:
    answered = iter(range(100))
    judge_server.answer = lambda asked: (
        wire.prefers_longer(asked) if next(answered) < 2 else (401, {}, b"no")
    )
    failed = _judge(workspace, judge_server)
    assert failed.state is JobState.FAILED
    assert "status 401" in failed.error
    judge_server.answer = wire.prefers_longer
    job = _judge(workspace, judge_server)
    assert (job.result or {})["metrics"]["pairs"] == 2
    assert judgements.known(workspace)[0].pairs == 3


def test_a_model_of_the_workspace_is_resolved_like_any_start(
    workspace: Workspace, batch: Batch, tmp_path: Path
) -> None:
    model = tmp_path / "tiny"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    with workspace.ledger.write() as tx:
        models.add(tx, "tiny", str(model))
    job = submission.submit(workspace, batch="first", asked=JudgeAsked("tiny"))
    assert (job.spec["judge"]["name"], job.spec["start"]["model"]) == ("tiny", str(model))
    folder = JobFolder(workspace.jobs_folder / job.id)
    folder.path.mkdir()
    submission.write_pairs(workspace, job, folder)
    written = folder.pairs_file.read_bytes()
    assert len(written.splitlines()) == 3
    # a later attempt judges what the first one began with
    with workspace.ledger.write() as tx:
        tx.exec_driver_sql("DELETE FROM batch_pairs")
    submission.write_pairs(workspace, job, folder)
    assert folder.pairs_file.read_bytes() == written


@pytest.mark.parametrize(
    ("asked", "error", "what"),
    [
        (JudgeAsked("nobody"), NotFoundError, "no model or checkpoint"),
        (JudgeAsked("tiny", model="x"), WrongInputError, "is no address"),
        (JudgeAsked("https://judge.example/v1"), WrongInputError, "needs the name of its model"),
        (
            JudgeAsked("https://judge.example/v1", "m", key_variable="PGPASSWORD"),
            WrongInputError,
            "cannot name the variable",
        ),
        (JudgeAsked("https://judge.example/v1", "m", " "), WrongInputError, "0 characters"),
    ],
)
def test_a_judge_that_cannot_be_asked_is_refused_before_anything_waits(
    workspace: Workspace, batch: Batch, asked: JudgeAsked, error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        submission.submit(workspace, batch="first", asked=asked)
    with workspace.ledger.read() as db:
        assert jobs.listed(db) == []
