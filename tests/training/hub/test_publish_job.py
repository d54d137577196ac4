"""The whole way: worker, a runner of its own, the Hub over HTTP, and the row in the ledger."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from storage import dataset_versions, jobs, prompts, publications
from storage.rows import DatasetRow, Job, JobState, Part, Turn
from storage.workspace import Workspace
from training.hub import submission
from training.jobs import worker
from training.jobs.lease import Pace

pytestmark = pytest.mark.slow
PACE = Pace(lease=20, renew=1, unreachable=15, look=0.1, grace=5, idle=0.05)


@pytest.fixture
def push(workspace: Workspace) -> Any:
    """Queue the push of a dataset version of texts and attend it."""
    prompt = prompts.build([Turn("user", (Part("text", "Name a colour"),))], "colour")
    row = DatasetRow("0" * 64, prompt, "Red.", "Loud.", "oracle", 1, 0.75, "")
    dataset_versions.write(
        workspace, [row], labels="oracle", policy={}, excluded={}, holdout=0.0, seed=0
    )

    def attend() -> Job:
        job = submission.submit_dataset(workspace, "v1", "org/pairs", private=True)
        worker.run(workspace, stop=threading.Event(), once=True, pace=PACE)
        with workspace.ledger.read() as db:
            return jobs.get(db, job.id)

    return attend


def test_a_worker_pushes_and_records_it(workspace: Workspace, hub: Any, push: Any) -> None:
    job = push()
    assert job.state is JobState.SUCCEEDED, job.error
    with workspace.ledger.read() as db:
        [row] = publications.listed(db, "v1", "dataset")
    assert row.revision == hub.repo("org/pairs", "dataset").head.oid
    kept = [path for path in workspace.home.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"hf_test" in path.read_bytes()]


def test_a_push_without_access_fails_with_what_to_do_and_can_be_queued_again(
    hub: Any, push: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    refused = push()
    assert refused.state is JobState.FAILED
    assert "(401)" in refused.error
    assert "HF_TOKEN" in refused.error
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    again = push()
    assert (again.state, again.id == refused.id) == (JobState.SUCCEEDED, False)
