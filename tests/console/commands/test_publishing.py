"""Exporting and pushing from the command line: what is queued, shown and refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage import checkpoints, jobs, publications
from storage import workspace as workspaces

Pairwright = Callable[..., Any]


@pytest.fixture
def built(imported: Pairwright) -> Pairwright:
    """The command line on a workspace with the dataset version v1 of six rows."""
    assert imported("dataset", "build", "--labels", "imported", "--holdout", 0.2).code == 0
    return imported


@pytest.mark.parametrize("name", ["dpo-json", "triples", "trl", "swift", "parquet"])
def test_every_format_is_exported_and_counted(built: Pairwright, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    said = built("dataset", "export", "v1", "--format", name, "--out", out, "--json").result
    assert (said["rows"], said["excluded"], said["format"]) == (6, {}, name)
    assert sum(said["splits"].values()) == 6
    assert all(Path(file).is_file() for file in said["files"])
    again = built("dataset", "export", "v1", "--format", name, "--out", out)
    assert again.code == 1
    assert "is not empty" in again.err


def test_a_dataset_push_is_queued_once_and_says_what_to_do(built: Pairwright) -> None:
    said = built("dataset", "push", "v1", "--repo", "org/pairs")
    assert "publish" in said.out
    assert "No worker is running" in said.err
    first = built("dataset", "push", "v1", "--repo", "org/pairs", "--json").result
    assert (first["kind"], first["state"]) == ("publish", "queued")
    [job] = built("job", "list", "--kind", "publish", "--json").result["jobs"]
    assert job["spec"]["settings"]["private"] is True


def test_a_push_of_nothing_or_to_nowhere_is_refused(built: Pairwright) -> None:
    assert "v1" in built("dataset", "push", "v2", "--repo", "org/pairs").err
    wrong = built("dataset", "push", "v1", "--repo", "pairs")
    assert (wrong.code, "ORG/NAME" in wrong.err) == (1, True)
    wrong = built("dataset", "pull", "pairs")
    assert (wrong.code, "ORG/NAME" in wrong.err) == (1, True)
    none = built("checkpoint", "push", "best", "--repo", "org/aligned")
    assert "best" in none.err
    assert built("job", "list", "--kind", "publish", "--json").result["jobs"] == []


def test_a_checkpoint_shows_where_it_was_pushed(built: Pairwright, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "checkpoints" / "c1"
    folder.mkdir()
    (folder / "MANIFEST.json").write_text('{"schema": 1, "files": {}, "facts": {}}')
    opened = workspaces.open_existing(tmp_path / "home")
    with opened.ledger.write() as tx:
        job = jobs.submit(tx, kind="train", spec={}, key="t")
        checkpoints.add(
            tx,
            checkpoint_id="c1",
            name="best",
            job_id=job.id,
            parent=None,
            model="org/base",
            kind="adapter",
            path="checkpoints/c1",
            dataset_version="v1",
            config={},
            metrics={},
        )
        publications.add(
            tx,
            job_id=job.id,
            kind="checkpoint",
            subject="c1",
            repo="org/aligned",
            revision="a" * 40,
            tag="best-1",
            url="somewhere/commit",
            private=True,
        )
    opened.close()
    assert "org/aligned (private), tag best-1, somewhere/commit" in (
        built("checkpoint", "show", "best").out
    )
    [told] = built("checkpoint", "show", "best", "--json").result["publications"]
    assert (told["repo"], told["revision"]) == ("org/aligned", "a" * 40)
    queued = built("checkpoint", "push", "best", "--repo", "org/aligned", "--public", "--json")
    assert queued.result["state"] == "queued"
