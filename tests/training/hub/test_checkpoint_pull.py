"""A checkpoint back from the Hub: the same weights with their lineage, or nothing at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storage import checkpoints, dataset_versions, models
from storage import workspace as workspaces
from storage.errors import DamagedError, NotFoundError
from storage.rows import Checkpoint, DatasetVersion, Job
from storage.workspace import Workspace
from training.hub import checkpoint_pulling, dataset_manifest, submission
from training.jobs import starts
from training.runs import manifest

pytestmark = [
    pytest.mark.usefixtures("waits"),
    # the Hub client's own upload
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]
REPO = "org/aligned"
WEIGHTS = "adapter_model.safetensors"


@pytest.fixture
def pushed(
    workspace: Workspace,
    hub: Any,
    dataset: DatasetVersion,
    train: Callable[..., Checkpoint],
    attend: Callable[[Job], Job],
) -> tuple[Checkpoint, Checkpoint, Any]:
    """Two rounds, the second on the first, pushed after their dataset version."""
    attend(submission.submit_dataset(workspace, dataset.id, "org/pairs", private=True))
    first = train("round-1")
    second = train("round-2", parent=first.id)
    attend(submission.submit_checkpoint(workspace, "round-2", REPO, private=True))
    return first, second, hub.repo(REPO, "model")


@pytest.fixture
def other(new_home: Path, tmp_path: Path, tiny_vlm: Path) -> Iterator[Workspace]:
    """A workspace that knows the model and nothing else of the first one."""
    opened = workspaces.open_existing(shutil.copytree(new_home, tmp_path / "other"))
    with opened.ledger.write() as tx:
        models.add(tx, "tiny", str(tiny_vlm))
    yield opened
    opened.close()


def pull(workspace: Workspace, **more: Any) -> checkpoint_pulling.Pulled:
    return checkpoint_pulling.pull(workspace, REPO, pause=lambda seconds: None, **more)


def rewrite(repo: Any, name: str, data: bytes) -> None:
    repo.head.files[name] = (hashlib.sha256(data).hexdigest(), data)


def nothing_is_left(workspace: Workspace) -> bool:
    with workspace.ledger.read() as db:
        return not checkpoints.listed(db) and not any(workspace.checkpoints_folder.iterdir())


def test_a_checkpoint_comes_back_with_its_parent_its_dataset_and_the_same_weights(
    workspace: Workspace, pushed: Any, other: Workspace, tiny_vlm: Path
) -> None:
    first, second, repo = pushed
    found = pull(other, revision=next(iter(repo.tags)))
    assert (found.is_new, found.checkpoint.name) == (True, "round-2")
    with other.ledger.read() as db:
        line = checkpoints.lineage(db, found.checkpoint.id)
        (version,) = dataset_versions.listed(db)
        location, adapters = starts.locate(db, other.home, starts.resolve(db, "round-2"))
    assert [one.name for one in line] == ["round-1", "round-2"]
    assert {one.dataset_version for one in line} == {version.id}
    assert version.policy["pulled"]["repo"] == "org/pairs"
    assert found.checkpoint.metrics["preference_accuracy"]["n"]
    assert found.checkpoint.config["beta"] == 0.1
    assert location == str(tiny_vlm)
    for folder, theirs in zip(adapters, (first, second), strict=True):
        kept = manifest.verify(Path(folder)).files[WEIGHTS]
        assert kept == manifest.read(workspace.home / theirs.path).files[WEIGHTS]
    again = pull(other)
    assert (again.is_new, again.checkpoint) == (False, found.checkpoint)
    # at home it is the checkpoint that was pushed
    assert pull(workspace).checkpoint.id == second.id


def test_weights_that_were_changed_never_enter(pushed: Any, other: Workspace) -> None:
    _, _, repo = pushed
    for name in (WEIGHTS, f"parents/1/{WEIGHTS}"):
        whole = repo.head.files[name][1]
        rewrite(repo, name, whole[:200] + b"\0" + whole[201:])
        with pytest.raises(DamagedError, match="the manifest says"):
            pull(other)
        rewrite(repo, name, whole)
    assert nothing_is_left(other)


@pytest.mark.parametrize("name", ["../escape.safetensors", "run.py", "training_args.bin"])
def test_a_manifest_that_names_other_files_is_refused(
    name: str, pushed: Any, other: Workspace
) -> None:
    _, _, repo = pushed
    said = json.loads(repo.read(dataset_manifest.NAME))
    said["line"][-1]["files"][name] = {"sha256": "0" * 64, "size": 1}
    rewrite(repo, dataset_manifest.NAME, json.dumps(said).encode())
    with pytest.raises(DamagedError, match="no manifest of a published checkpoint"):
        pull(other)
    assert nothing_is_left(other)


def test_what_it_stands_on_must_be_found(pushed: Any, other: Workspace, tiny_vlm: Path) -> None:
    _, _, repo = pushed
    said = json.loads(repo.read(dataset_manifest.NAME))
    for part in said["line"]:
        part["repo"] = ""
    rewrite(repo, dataset_manifest.NAME, json.dumps(said).encode())
    with pytest.raises(NotFoundError, match="neither here nor"):
        pull(other)
    said["base_name"] = "unheard-of"
    rewrite(repo, dataset_manifest.NAME, json.dumps(said).encode())
    with pytest.raises(NotFoundError, match=r"unheard-of.*not here by that name"):
        pull(other)
    with pytest.raises(NotFoundError, match="neither here nor"):
        pull(other, base=str(tiny_vlm))
    assert nothing_is_left(other)


def test_a_repository_without_our_manifest_is_refused(pushed: Any, other: Workspace) -> None:
    _, _, repo = pushed
    del repo.head.files[dataset_manifest.NAME]
    with pytest.raises(NotFoundError, match="checkpoint push"):
        pull(other)
