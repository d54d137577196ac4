"""A push over the real client: whatever fails on the way, there is one commit in the end."""

from __future__ import annotations

import time
from collections import deque
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

from storage.errors import PairwrightError, WrongInputError
from training.hub import client
from training.hub.client import Published, Target

CALLS = ("create", "info", "yaml", "preupload", "lfs", "upload", "verify", "commit", "refs", "tag")
FAULTS = ("429", "500", "cut", "lost")
TARGET = Target("org/aligned", "model", True, "round-1-12345678", "Add checkpoint")

pytestmark = [
    pytest.mark.usefixtures("waits"),
    # the Hub client's own upload
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "upload"
    (made / "parents" / "1").mkdir(parents=True)
    (made / "README.md").write_text("---\nlibrary_name: peft\n---\n# Card\n")
    (made / "adapter_config.json").write_text("{}")
    (made / "adapter_model.safetensors").write_bytes(b"weights")
    (made / "parents" / "1" / "adapter_model.safetensors").write_bytes(b"older weights")
    return made


def _push(folder: Path, target: Target = TARGET) -> Published:
    return client.push(folder, target, say=lambda text: None, pause=lambda seconds: None)


def test_a_push_is_one_private_tagged_commit(hub: Any, folder: Path) -> None:
    done = _push(folder)
    repo = hub.repo("org/aligned")
    [commit] = repo.pushed
    assert (done.revision, done.private, done.is_new) == (commit.oid, True, True)
    assert (repo.private, repo.tags) == (True, {TARGET.tag: commit.oid})
    assert done.url == f"{hub.url}/org/aligned/commit/{commit.oid}"
    assert {name: data for name, (_, data) in commit.files.items() if name != ".gitattributes"} == {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert list(dict.fromkeys(hub.calls)) == list(CALLS)


def test_the_same_content_again_makes_no_second_commit(hub: Any, folder: Path) -> None:
    first, second = _push(folder), _push(folder)
    assert len(hub.repo("org/aligned").pushed) == 1
    assert (second.revision, second.is_new) == (first.revision, False)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_every_call_may_fail_and_there_is_one_commit(
    hub: Any, folder: Path, call: str, fault: str
) -> None:
    hub.faults[call] = waiting = deque([fault, fault])
    done = _push(folder)
    repo = hub.repo("org/aligned")
    assert len(waiting) < 2
    assert [commit.oid for commit in repo.pushed] == [done.revision]
    assert repo.tags == {TARGET.tag: done.revision}
    assert done.is_new


def test_the_wait_that_the_hub_asks_for_is_kept(hub: Any, folder: Path) -> None:
    hub.retry_after = "37"
    hub.faults["commit"] = deque(["429"])
    waited: list[float] = []
    told: list[str] = []
    client.push(folder, TARGET, say=told.append, pause=waited.append)
    assert waited == [37.0]
    assert "Again in 37 s" in told[0]


def test_a_date_to_wait_for_is_understood(hub: Any, folder: Path) -> None:
    hub.retry_after = formatdate(time.time() + 100, usegmt=True)
    hub.faults["tag"] = deque(["429"])
    waited: list[float] = []
    client.push(folder, TARGET, say=lambda text: None, pause=waited.append)
    assert 60 < waited[0] <= 100


def test_waits_grow_until_the_push_is_given_up(hub: Any, folder: Path) -> None:
    hub.faults["info"] = deque(["500"] * client.TRIES)
    waited: list[float] = []
    with pytest.raises(PairwrightError, match=f"{client.TRIES} tries") as caught:
        client.push(folder, TARGET, say=lambda text: None, pause=waited.append)
    assert waited == [1, 2, 4, 8, 16, 32, 60]
    assert "hf_test" not in str(caught.value)
    assert hub.repo("org/aligned").pushed == []


def test_a_push_without_a_token_is_refused_at_once(
    hub: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(WrongInputError, match=r"refused the push to org/aligned \(401\)") as caught:
        _push(folder)
    assert "HF_TOKEN" in caught.value.next_step
    assert set(hub.calls) <= {"create", "info"}
    assert hub.repos == {}


def test_a_private_push_never_lands_in_a_public_repository(hub: Any, folder: Path) -> None:
    HfApi(endpoint=hub.url).create_repo("org/aligned", private=False)
    with pytest.raises(WrongInputError, match="is public, and this push is private"):
        _push(folder)
    assert hub.repo("org/aligned").pushed == []


def test_somebody_elses_commit_in_between_is_kept(hub: Any, folder: Path) -> None:
    api = HfApi(endpoint=hub.url)
    _push(folder)
    (folder / "README.md").write_text("---\nlibrary_name: peft\n---\n# Newer card\n")
    create_commit = HfApi.create_commit

    def late(self: HfApi, *args: Any, **words: Any) -> Any:
        HfApi.create_commit = create_commit
        api.upload_file(path_or_fileobj=b"mine", path_in_repo="NOTES.txt", repo_id="org/aligned")
        return create_commit(self, *args, **words)

    HfApi.create_commit = late
    try:
        _push(folder)
    finally:
        HfApi.create_commit = create_commit
    repo = hub.repo("org/aligned")
    assert repo.read("NOTES.txt") == "mine"
    assert "Newer card" in repo.read("README.md")
    assert len(repo.pushed) == 3


def test_weights_of_an_earlier_push_that_would_be_loaded_are_deleted(
    hub: Any, folder: Path
) -> None:
    api = HfApi(endpoint=hub.url)
    api.create_repo("org/aligned", private=True)
    for name in ("model.safetensors", "config.json", "NOTES.md"):
        api.upload_file(path_or_fileobj=b"{}", path_in_repo=name, repo_id="org/aligned")
    _push(folder)
    names = set(hub.repo("org/aligned").head.files)
    assert names.isdisjoint({"model.safetensors", "config.json"})
    assert {"NOTES.md", "adapter_config.json"} <= names


def test_the_offline_switch_of_the_client_is_respected(
    hub: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WrongInputError, match="offline"):
        _push(folder)
    assert hub.calls == []
