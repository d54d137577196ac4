"""Backups: whole or not there, verified on both ways, and never over something that exists."""

from __future__ import annotations

import io
import json
import os
import resource
import sqlite3
import stat
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import polars
import pytest
from PIL import Image

from storage import media, pictures, segments, votes, workspace
from storage.backups import making, manifest, restoring
from storage.errors import (
    ConflictError,
    DamagedError,
    NotFoundError,
    WorkspaceError,
    WrongInputError,
)
from storage.ledger import Ledger
from storage.pairs import PairFilter, page
from storage.rows import Batch
from storage.workspace import Workspace


@pytest.fixture
def filled(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> Workspace:
    """Three pairs with votes, and a picture."""
    encoded = io.BytesIO()
    Image.new("RGB", (24, 16), (90, 60, 30)).save(encoded, "PNG")
    row, data = pictures.normalize(encoded.getvalue())
    workspace.media.put(data, row)
    with workspace.ledger.write() as tx:
        media.add(tx, row)
        batch = make_batch(tx)
        label(tx, batch, "ana", {view.pair.id: "a" for view in page(tx, PairFilter(), 10)})
    return workspace


@pytest.fixture(params=["copy", "copy.tar"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / str(request.param)


def test_what_comes_back_is_what_was_there(filled: Workspace, target: Path, tmp_path: Path) -> None:
    made = making.make(filled, target)
    assert made.manifest.counts["votes"] == 3
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    restored = restoring.restore(target, tmp_path / "new")
    assert restored.counts == made.manifest.counts
    opened = workspace.open_existing(tmp_path / "new")
    with opened.ledger.read() as db, filled.ledger.read() as before:
        assert votes.effective(db) == votes.effective(before)
        found = db.exec_driver_sql("SELECT id FROM media").scalar_one()
    assert opened.media.read(found) == filled.media.read(found)
    assert opened.secret() == filled.secret()
    opened.close()


def test_a_backup_waits_for_no_writer_and_takes_nothing_uncommitted(
    filled: Workspace, make_batch: Callable[..., Batch], tmp_path: Path
) -> None:
    with filled.ledger.write() as tx:
        make_batch(tx, name="second")
        made = making.make(filled, tmp_path / "copy")
    assert made.manifest.counts["pairs"] == 3


def test_only_the_owner_may_read_a_backup(filled: Workspace, target: Path) -> None:
    making.make(filled, target)
    assert stat.S_IMODE(target.stat().st_mode) & 0o077 == 0


def test_job_folders_come_only_when_asked_for(filled: Workspace, tmp_path: Path) -> None:
    log = filled.jobs_folder / "j1" / "log.txt"
    log.parent.mkdir()
    log.write_text("step 1", encoding="utf-8")
    assert "jobs/j1/log.txt" not in making.make(filled, tmp_path / "without").manifest.files
    assert (
        "jobs/j1/log.txt" in making.make(filled, tmp_path / "with", with_jobs=True).manifest.files
    )


def test_what_is_missing_is_counted_and_the_rest_is_kept(filled: Workspace, tmp_path: Path) -> None:
    [picture] = [path for path in (filled.home / "media").rglob("*") if path.is_file()]
    picture.write_bytes(picture.read_bytes()[:-1])
    made = making.make(filled, tmp_path / "copy")
    assert list(made.manifest.missing) == [picture.relative_to(filled.home).as_posix()]
    assert restoring.restore(tmp_path / "copy", tmp_path / "new").counts["votes"] == 3


def test_segments_in_use_come_along_and_retired_ones_stay_behind(
    filled: Workspace, target: Path, tmp_path: Path
) -> None:
    kind = segments.SegmentKind.SCORES
    kept = segments.seal(filled, kind, polars.DataFrame({"pair_id": ["p"]}), "1", "2")
    old = segments.seal(filled, kind, polars.DataFrame({"pair_id": ["q"]}), "3", "4")
    segments.retire(filled, [old.id])
    assert not making.make(filled, target).manifest.missing
    restoring.restore(target, tmp_path / "new")
    opened = workspace.open_existing(tmp_path / "new")
    with opened.ledger.read() as db:
        assert [one.id for one in segments.listed(db, kind)] == [kept.id]
    assert segments.damaged(opened) == []
    assert not (opened.home / old.path).exists()
    opened.close()


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_backup_with_any_damage_is_refused_and_leaves_nothing(
    filled: Workspace, tmp_path: Path, harm: str
) -> None:
    made = making.make(filled, tmp_path / "copy")
    for name in made.manifest.files:
        path = tmp_path / "copy" / name
        whole = path.read_bytes()
        if harm == "remove":
            path.unlink()
        else:
            middle = len(whole) // 2
            flipped = bytes([whole[middle] ^ 1])
            harmed = whole[:middle] + (flipped + whole[middle + 1 :] if harm == "flip" else b"")
            path.write_bytes(harmed)
        with pytest.raises(DamagedError, match="not whole"):
            restoring.restore(tmp_path / "copy", tmp_path / "new")
        assert not (tmp_path / "new").exists()
        path.write_bytes(whole)
    restoring.restore(tmp_path / "copy", tmp_path / "new")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_cut_tar_file_is_refused(filled: Workspace, tmp_path: Path) -> None:
    archive = tmp_path / "copy.tar"
    making.make(filled, archive)
    os.truncate(archive, archive.stat().st_size // 2)
    with pytest.raises((DamagedError, NotFoundError)):
        restoring.restore(archive, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_manifest_cannot_write_outside_of_the_new_folder(
    filled: Workspace, tmp_path: Path
) -> None:
    making.make(filled, tmp_path / "copy")
    listed = json.loads((tmp_path / "copy" / manifest.NAME).read_text())
    listed["files"]["../escaped"] = listed["files"].pop("secret")
    (tmp_path / "copy" / manifest.NAME).write_text(json.dumps(listed))
    (tmp_path / "escaped").write_bytes(filled.secret())
    with pytest.raises(DamagedError, match="escaped"):
        restoring.restore(tmp_path / "copy", tmp_path / "deep" / "new")
    assert not (tmp_path / "deep" / "escaped").exists()


def test_links_in_a_tar_file_are_not_followed(filled: Workspace, tmp_path: Path) -> None:
    archive = tmp_path / "copy.tar"
    making.make(filled, archive)
    swapped = tmp_path / "swapped.tar"
    with tarfile.open(archive) as whole, tarfile.open(swapped, "w") as other:
        for member in whole.getmembers():
            if member.name == "secret":
                member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0
            other.addfile(member, whole.extractfile(member) if member.isreg() else None)
    with pytest.raises(DamagedError):
        restoring.restore(swapped, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_that_exists_is_overwritten(filled: Workspace, target: Path) -> None:
    making.make(filled, target)
    with pytest.raises(ConflictError, match="already there"):
        making.make(filled, target)
    with pytest.raises(ConflictError, match="not empty"):
        restoring.restore(target, filled.home)


def test_an_empty_folder_may_be_restored_into(filled: Workspace, tmp_path: Path) -> None:
    making.make(filled, tmp_path / "copy")
    (tmp_path / "new").mkdir()
    assert restoring.restore(tmp_path / "copy", tmp_path / "new").counts["pairs"] == 3


def test_a_backup_inside_the_workspace_is_refused(filled: Workspace) -> None:
    with pytest.raises(WrongInputError, match="workspace itself"):
        making.make(filled, filled.home / "backups" / "copy")


def test_what_is_no_backup_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no backup")
    for source in (tmp_path, tmp_path / "notes.txt", tmp_path / "nothing"):
        with pytest.raises(NotFoundError, match="holds no backup"):
            restoring.restore(source, tmp_path / "new")


def test_a_backup_of_a_newer_schema_is_refused(filled: Workspace, tmp_path: Path) -> None:
    made = making.make(filled, tmp_path / "copy").manifest
    newer = replace(made, revision="9999")
    (tmp_path / "copy" / manifest.NAME).write_bytes(newer.encoded())
    with pytest.raises(WorkspaceError, match="newer"):
        restoring.restore(tmp_path / "copy", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_damaged_ledger_is_not_backed_up(filled: Workspace, tmp_path: Path) -> None:
    filled.ledger.close()
    with closing(sqlite3.connect(filled.home / "ledger.sqlite")) as raw:
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute("DELETE FROM prompts")
        raw.commit()
    opened = workspace.open_existing(filled.home)
    with pytest.raises(DamagedError, match="damaged"):
        making.make(opened, tmp_path / "copy")
    opened.close()
    assert not (tmp_path / "copy").exists()


def test_a_ledger_in_postgresql_is_left_to_pg_dump(filled: Workspace, tmp_path: Path) -> None:
    elsewhere = Workspace(filled.home, Ledger("postgresql://nobody@192.0.2.1/x"), filled.media)
    with pytest.raises(WrongInputError, match="PostgreSQL") as caught:
        making.make(elsewhere, tmp_path / "copy")
    assert caught.value.next_step.startswith("Run pg_dump first")


@pytest.mark.parametrize("name", ["copy", "copy.tar"])
def test_a_full_disk_leaves_no_half_backup(filled: Workspace, tmp_path: Path, name: str) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(WorkspaceError) as caught:
            making.make(filled, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
