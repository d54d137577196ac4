"""Pushes of checkpoints: what is there, what is not, how often, and what is recorded."""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage import jobs, publications, tables
from storage.errors import NotFoundError, WrongInputError
from storage.ledger import Connection
from storage.rows import Checkpoint, Job, JobState
from storage.workspace import Workspace
from training.hub import submission
from training.hub.files import PUBLISHED
from training.runs import manifest

pytestmark = [
    pytest.mark.usefixtures("waits"),
    # the Hub client's own upload
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]
Push = Callable[[Checkpoint], Job]
Attend = Callable[[Job], Job]
Train = Callable[..., Checkpoint]
FIGURE = {"value": 0.729, "ci95": [0.615, 0.819], "n": 70, "labels": "ana"}


def test_a_pushed_checkpoint_is_recorded_with_its_revision(
    workspace: Workspace, hub: Any, train: Train, push: Push
) -> None:
    checkpoint = train("round-1")
    done = push(checkpoint)
    commit = hub.repo("org/aligned").head
    with workspace.ledger.read() as db:
        [row] = publications.listed(db, checkpoint.id)
    assert done.state is JobState.SUCCEEDED
    assert done.result is not None
    assert (row.revision, row.repo, row.private, row.job_id) == (
        commit.oid,
        "org/aligned",
        True,
        done.id,
    )
    assert (done.result["revision"], done.result["checkpoint"]) == (commit.oid, checkpoint.id)
    assert row.url.endswith(commit.oid)
    assert hub.repo("org/aligned").tags == {row.tag: commit.oid}


def test_only_weights_configuration_and_card_are_published(
    workspace: Workspace, hub: Any, train: Train, push: Push
) -> None:
    push(train("round-1"))
    names = set(hub.repo("org/aligned").head.files)
    assert names == {
        *(".gitattributes", "README.md", "adapter_config.json", "adapter_model.safetensors"),
        "manifest.json",
    }
    assert not [name for name in PUBLISHED if "bin" in name or "ref" in name]


def test_the_token_is_nowhere_in_job_or_ledger(
    workspace: Workspace, hub: Any, train: Train, monkeypatch: pytest.MonkeyPatch, push: Push
) -> None:
    hub.faults["commit"] = deque(["429", "500"])
    monkeypatch.setattr("training.hub.client._LONGEST_WAIT", 0.0)
    job = push(train("round-1"))
    kept = [path for path in workspace.home.rglob("*") if path.is_file()]
    assert workspace.jobs_folder / job.id / "events.jsonl" in kept
    assert not [path for path in kept if b"hf_test" in path.read_bytes()]


def test_a_second_push_of_the_same_checkpoint_makes_no_second_commit(
    workspace: Workspace, hub: Any, train: Train, push: Push
) -> None:
    checkpoint = train("round-1")
    first, second = push(checkpoint), push(checkpoint)
    assert first.id != second.id
    assert len(hub.repo("org/aligned").pushed) == 1
    with workspace.ledger.read() as db:
        rows = publications.listed(db, checkpoint.id)
    assert len({row.revision for row in rows}) == 1


def test_a_push_that_still_waits_is_not_queued_again(workspace: Workspace, train: Train) -> None:
    train("round-1")
    one = submission.submit_checkpoint(workspace, "round-1", "org/aligned", private=True)
    same = submission.submit_checkpoint(workspace, "round-1", "org/aligned", private=True)
    other = submission.submit_checkpoint(workspace, "round-1", "org/other", private=True)
    assert one.id == same.id != other.id


def test_a_training_queues_the_push_that_its_settings_ask_for(
    workspace: Workspace, train: Train
) -> None:
    asked = train("asked", repo="org/aligned", private=True, when="end")
    never = train("never", repo="org/aligned", private=True, when="never")
    plain = train("plain")

    def queue(tx: Connection, one: Checkpoint) -> list[Job]:
        return submission.queue_after_training(tx, jobs.get(tx, one.job_id), one)

    with workspace.ledger.write() as tx:
        job, again = queue(tx, asked), queue(tx, asked)
        nothing = [queue(tx, one) for one in (never, plain)]
    assert [one.kind for one in job] == ["publish"]
    assert again == job
    assert nothing == [[], []]


def test_a_kept_step_is_pushed_with_its_own_weights_figures_and_tag(
    workspace: Workspace, hub: Any, train: Train, attend: Attend
) -> None:
    checkpoint = train("round-1", repo="org/aligned", private=True, when="each_checkpoint")
    other = train("elsewhere")
    step = manifest.step_folder(workspace.jobs_folder / checkpoint.job_id / "checkpoints", 7)
    shutil.copytree(workspace.home / other.path, step)
    figures = {"preference_accuracy": {**FIGURE, "value": 0.512}}
    payload = {"step": 7, "epoch": 1.0, "split": "holdout", "values": figures}
    with workspace.ledger.write() as tx:
        # as the worker ingests it while the training runs
        tx.execute(
            tables.job_events.insert().values(
                job_id=checkpoint.job_id,
                attempt=1,
                sequence=1,
                kind="metric",
                payload=payload,
                at=0,
            )
        )
        run = jobs.get(tx, checkpoint.job_id)
        queued = submission.queue_after_training(tx, run, checkpoint, [7])
    for one in queued:
        attend(one)
    repo = hub.repo("org/aligned")
    first, last = repo.pushed
    assert "0.512" in first.files["README.md"][1].decode()
    assert "# round-1-step-7" in first.files["README.md"][1].decode()
    assert "0.729" in last.files["README.md"][1].decode()
    weights = [commit.files["adapter_model.safetensors"][1] for commit in (first, last)]
    assert weights[0] == (step / "adapter_model.safetensors").read_bytes()
    assert weights[0] != weights[1]
    assert len(repo.tags) == 2
    with workspace.ledger.read() as db:
        assert len(publications.listed(db, checkpoint.id)) == 2


@pytest.mark.parametrize("repo", ["aligned", "org/", "org/a b", "../x", "org/a--b", "org/x.git"])
def test_a_name_that_is_no_repository_is_refused_before_anything_waits(
    workspace: Workspace, repo: str
) -> None:
    with pytest.raises(WrongInputError, match="cannot be a repository"):
        submission.submit_checkpoint(workspace, "any", repo, private=True)
    with pytest.raises(NotFoundError):
        submission.submit_dataset(workspace, "v9", "org/fine", private=True)


def test_a_configuration_that_still_names_a_folder_here_is_not_published(
    workspace: Workspace, hub: Any, train: Train, tiny_vlm: Path, attend: Attend
) -> None:
    checkpoint = train("round-1")
    folder = workspace.home / checkpoint.path
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"note": f"made in {tiny_vlm}"}))
    (folder / manifest.NAME).unlink()
    manifest.complete(folder, {"step": 1})
    job = submission.submit_checkpoint(workspace, "round-1", "org/aligned", private=True)
    with pytest.raises(WrongInputError, match=r"adapter_config\.json names a folder"):
        attend(job)
    assert hub.repos == {}
