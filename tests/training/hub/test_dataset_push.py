"""A dataset version on the Hub: its rows, its pictures and its card."""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DatasetCard
from PIL import Image

from storage import dataset_versions, jobs
from storage.rows import Checkpoint, DatasetVersion, Job
from storage.workspace import Workspace
from training.hub import publishing, submission
from training.jobs import preparation
from training.jobs.folder import JobFolder

pytestmark = [
    pytest.mark.usefixtures("waits"),
    # the Hub client's own upload
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]
Push = Callable[[Checkpoint], Job]
Attend = Callable[[Job], Job]
Train = Callable[..., Checkpoint]


def test_a_dataset_version_is_published_with_its_pictures(
    workspace: Workspace, hub: Any, dataset: DatasetVersion, tmp_path: Path, attend: Attend
) -> None:
    import datasets

    attend(submission.submit_dataset(workspace, "v1", "org/pairs", private=True))
    repo = hub.repo("org/pairs", "dataset")
    assert repo.private
    assert len(repo.pushed) == 1
    folder = tmp_path / "downloaded"
    for name, (_, data) in repo.head.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert {side: len(loaded[side]) for side in loaded} == {
        "train": dataset.train,
        "holdout": dataset.holdout,
    }
    rows = {row.pair_id: row for row in dataset_versions.read_rows(workspace, dataset)}
    for row in loaded["train"]:
        stored = workspace.media.read(rows[row["pair_id"]].prompt.media[0])
        assert row["images"][0].tobytes() == Image.open(io.BytesIO(stored)).tobytes()
    text = repo.read("README.md")
    assert {"dpo", "preference", "image-text-to-text"} <= set(DatasetCard(text).data.tags)
    assert "Labels: one annotator" in text
    assert "3, tie" in text
    assert "ana" not in re.split(r"\W+", text)
    assert "secret" not in text


def test_a_dataset_pushed_again_makes_no_second_commit(
    workspace: Workspace, hub: Any, dataset: DatasetVersion, attend: Attend
) -> None:
    for _ in range(2):
        attend(submission.submit_dataset(workspace, "v1", "org/pairs", private=True))
    assert len(hub.repo("org/pairs", "dataset").pushed) == 1


def test_a_push_that_is_asked_to_stop_between_two_tries_stops(
    workspace: Workspace, hub: Any, dataset: DatasetVersion
) -> None:
    submission.submit_dataset(workspace, dataset.id, "org/pairs", private=True)
    with workspace.ledger.write() as tx:
        job = jobs.claim(tx, worker="here")
    assert job is not None
    folder = JobFolder(workspace.jobs_folder / job.id)
    preparation.make_ready(workspace, job, folder)
    hub.faults["info"] = deque(["500"])
    folder.stop_requested = True
    publishing.publish(folder)
    result = folder.result()
    assert result is not None
    assert result.state == "stopped"
    assert hub.repo("org/pairs", "dataset").pushed == []
