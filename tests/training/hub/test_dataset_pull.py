"""A dataset version back from the Hub: the same digest and pictures, or nothing at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage import dataset_rows, dataset_versions
from storage import workspace as workspaces
from storage.errors import DamagedError, NotFoundError, PairwrightError
from storage.rows import DatasetVersion, Job
from storage.workspace import Workspace
from training.hub import croissant, dataset_manifest, pulling, submission
from training.hub.dataset_manifest import Manifest

pytestmark = [
    pytest.mark.usefixtures("waits"),
    # the Hub client's own upload
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]
REPO = "org/pairs"
Attend = Callable[[Job], Job]


@pytest.fixture
def consensus(workspace: Workspace, dataset: DatasetVersion) -> DatasetVersion:
    """A version of several annotators."""
    rows = dataset_versions.read_rows(workspace, dataset)
    return dataset_versions.write(
        workspace,
        [replace(row, labels="consensus", votes=3, record_id=f"r{row.votes}") for row in rows],
        labels="consensus",
        policy={"labels": "votes", "policy": "majority", "min_agreement": 0.67},
        excluded={"tie": 3},
        holdout=0.3,
        seed=1,
    )


@pytest.fixture
def pushed(workspace: Workspace, hub: Any, consensus: DatasetVersion, attend: Attend) -> Any:
    job = submission.submit_dataset(
        workspace, consensus.id, REPO, private=True, licence="cc-by-4.0"
    )
    attend(job)
    return hub.repo(REPO, "dataset")


@pytest.fixture
def other(new_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace that knows nothing of the first one."""
    opened = workspaces.open_existing(shutil.copytree(new_home, tmp_path / "other"))
    yield opened
    opened.close()


def pull(workspace: Workspace, **more: Any) -> pulling.Pulled:
    return pulling.pull(workspace, REPO, pause=lambda seconds: None, **more)


def versions(workspace: Workspace) -> list[DatasetVersion]:
    with workspace.ledger.read() as db:
        return dataset_versions.listed(db)


def manifest_of(repo: Any) -> Manifest:
    return Manifest.model_validate_json(repo.read("manifest.json"))


def replace_file(repo: Any, name: str, data: bytes) -> None:
    """Change a file behind the back of who pushed it; the head keeps its id and its tags."""
    repo.head.files[name] = (hashlib.sha256(data).hexdigest(), data)


def rewrite(repo: Any, name: str, data: bytes, path: Path, **more: Any) -> None:
    """Change a file, and the manifest with it, as somebody does who knows how it is checked."""
    path.write_bytes(data)
    said = json.loads(repo.read("manifest.json"))
    said["files"][name] = dataset_manifest.facts_of(path).model_dump()
    replace_file(repo, name, data)
    replace_file(repo, "manifest.json", json.dumps(said | more).encode())


def written(table: pa.Table) -> bytes:
    into = pa.BufferOutputStream()
    pq.write_table(table, into)
    return into.getvalue().to_pybytes()


def test_a_version_comes_back_with_its_digest_rows_and_pictures(
    workspace: Workspace, consensus: DatasetVersion, pushed: Any, other: Workspace
) -> None:
    found = pull(other, digest=consensus.digest)
    assert (found.version.id, found.is_new, found.version.digest) == ("v1", True, consensus.digest)
    assert (found.version.train, found.version.holdout) == (consensus.train, consensus.holdout)
    assert (found.version.labels, found.version.excluded) == ("consensus", {"tie": 3})
    assert found.version.policy["pulled"]["version"] == consensus.id
    rows = dataset_versions.read_rows(other, found.version)
    assert rows == dataset_versions.read_rows(workspace, consensus)
    for row in rows:
        for media_id in row.prompt.media:
            assert other.media.read(media_id) == workspace.media.read(media_id)
    again = pull(other, revision=next(iter(pushed.tags)))
    assert (again.version, again.is_new) == (found.version, False)
    # at home it is the version that was pushed
    assert pull(workspace).version == consensus


def test_a_persons_name_stays_and_the_manifest_says_that_the_digest_differs(
    workspace: Workspace, hub: Any, dataset: DatasetVersion, attend: Attend, other: Workspace
) -> None:
    attend(submission.submit_dataset(workspace, dataset.id, REPO, private=True))
    said = manifest_of(hub.repo(REPO, "dataset"))
    found = pull(other, digest=dataset.digest)
    assert said.source_digest == dataset.digest != said.digest == found.version.digest
    rows = dataset_versions.read_rows(other, found.version)
    assert {row.labels for row in rows} == {"one annotator"}
    named = [replace(row, labels="ana") for row in rows]
    assert dataset_rows.digest(named) == dataset.digest


def test_croissant_names_every_file_with_its_hash_and_every_column(pushed: Any) -> None:
    said = json.loads(pushed.read(croissant.NAME))
    assert said["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert (said["license"], said["url"][-len(REPO) :]) == ("cc-by-4.0", REPO)
    files = {one["@id"]: one for one in said["distribution"]}
    assert set(files) == {"data/train.parquet", "data/holdout.parquet"}
    for name, one in files.items():
        data = pushed.head.files[name][1]
        assert (one["sha256"], one["contentSize"]) == (pushed.head.files[name][0], f"{len(data)} B")
        table = pq.read_table(pa.BufferReader(data))
        (records,) = [
            records for records in said["recordSet"] if f"data/{records['name']}.parquet" == name
        ]
        assert [field["name"].split("/")[1] for field in records["field"]] == table.column_names


def test_the_card_has_counts_policy_licence_and_digest(
    pushed: Any, consensus: DatasetVersion
) -> None:
    text = pushed.read("README.md")
    for part in (
        f"train: {consensus.train} pairs",
        "Labels: consensus (labels votes, policy majority, min_agreement 0.67)",
        "license: cc-by-4.0",
        consensus.digest,
        f"pairwright dataset pull {REPO} --revision {next(iter(pushed.tags))}",
    ):
        assert part in text


def test_a_bad_way_to_the_hub_is_tried_again(
    hub: Any, pushed: Any, consensus: DatasetVersion, other: Workspace
) -> None:
    said: list[str] = []
    hub.faults = {
        "info": deque(["500", "cut"]),
        "head": deque(["cut", "500"]),
        "file": deque(["half", "500", "cut"]),
    }
    assert pull(other, say=said.append).version.digest == consensus.digest
    assert not any(hub.faults.values())
    assert any(line.startswith("Try 1 of 8") for line in said)


def test_what_is_not_there_is_said_and_nothing_is_recorded(
    hub: Any, pushed: Any, other: Workspace
) -> None:
    with pytest.raises(NotFoundError, match="no revision 'v9'"):
        pull(other, revision="v9")
    with pytest.raises(NotFoundError, match="no dataset org/nowhere"):
        pulling.pull(other, "org/nowhere", pause=lambda seconds: None)
    del pushed.head.files["data/train.parquet"]
    with pytest.raises(NotFoundError, match="not all files"):
        pull(other)
    del pushed.head.files["manifest.json"]
    with pytest.raises(NotFoundError, match=r"no manifest\.json"):
        pull(other)
    assert versions(other) == []


def test_a_hub_that_does_not_answer_is_given_up(hub: Any, pushed: Any, other: Workspace) -> None:
    hub.faults["info"] = deque(["500"] * 100)
    with pytest.raises(PairwrightError, match="could not be pulled"):
        pull(other)


def test_a_file_that_was_changed_or_cut_is_refused(pushed: Any, other: Workspace) -> None:
    name = "data/train.parquet"
    whole = pushed.head.files[name][1]
    for data in (whole[:-9], whole[:100] + b"\0" + whole[101:]):
        replace_file(pushed, name, data)
        with pytest.raises(DamagedError, match="the manifest says"):
            pull(other)
    assert versions(other) == []


def test_who_changes_the_manifest_too_is_found_by_the_digest(
    pushed: Any, tmp_path: Path, workspace: Workspace, consensus: DatasetVersion, other: Workspace
) -> None:
    name = "data/train.parquet"
    table = pq.read_table(pa.BufferReader(pushed.head.files[name][1]))
    swapped = table.rename_columns(
        [{"chosen": "rejected", "rejected": "chosen"}.get(one, one) for one in table.column_names]
    )
    rewrite(pushed, name, written(swapped), tmp_path / "changed")
    with pytest.raises(DamagedError, match="The rows have the digest"):
        pull(other)
    # and who changes the digest, too, by the one that is known here, or given
    false = {"digest": "0" * 64, "source_digest": "0" * 64}
    rewrite(pushed, name, written(swapped), tmp_path / "changed", **false)
    with pytest.raises(DamagedError, match="Somebody changed the repository"):
        pull(workspace)
    with pytest.raises(DamagedError, match=f"not {consensus.digest}"):
        pull(other, digest=consensus.digest)
    assert versions(other) == []


def test_a_manifest_that_says_what_none_says_is_refused(pushed: Any, other: Workspace) -> None:
    said = json.loads(pushed.read("manifest.json"))
    outside = {"../outside.parquet": {"sha256": "0" * 64, "size": 1}}
    changes: tuple[dict[str, Any], ...] = (
        *({"files": outside}, {"digest": "short"}, {"counts": "many"}, {"labels": "x" * 1000}),
        {"format": "another"},
    )
    for change in changes:
        replace_file(pushed, "manifest.json", json.dumps(said | change).encode())
        with pytest.raises(DamagedError, match=r"manifest\.json is no manifest"):
            pull(other)


def test_a_picture_under_a_false_name_is_refused(
    pushed: Any, tmp_path: Path, other: Workspace
) -> None:
    name = "data/holdout.parquet"
    table = pq.read_table(pa.BufferReader(pushed.head.files[name][1]))
    shown = table.column("images").to_pylist()
    for pictures in shown:
        for picture in pictures:
            picture["path"] = f"{'1' * 64}.png"
    column = table.schema.get_field_index("images")
    renamed = table.set_column(column, "images", pa.array(shown, table["images"].type))
    rewrite(pushed, name, written(renamed), tmp_path / "changed")
    with pytest.raises(DamagedError, match="other pixels than its name"):
        pull(other)


def test_a_parquet_that_was_cut_before_it_was_published_is_refused(
    pushed: Any, tmp_path: Path, other: Workspace
) -> None:
    name = "data/train.parquet"
    rewrite(pushed, name, pushed.head.files[name][1][:2000], tmp_path / "changed")
    with pytest.raises(DamagedError, match="cut off or damaged"):
        pull(other)
    assert versions(other) == []
