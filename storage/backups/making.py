"""Making a backup while servers run: one state of the ledger, then the files that it lists.

The ledger comes first. Media, dataset versions, checkpoints and segments never change once a row
names them, so copying them afterwards gives what belongs to that state. Browser sizes of pictures
are left out: each is made anew when its picture is first shown.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from storage import clock, schema, tables
from storage.backups import manifest
from storage.backups.manifest import BackupManifest, FileEntry
from storage.errors import (
    ConflictError,
    DamagedError,
    DiskFullError,
    NotFoundError,
    WorkspaceError,
    WrongInputError,
)
from storage.ledger import Ledger, sqlite_url
from storage.media import sync_folder
from storage.workspace import SECRET, Workspace

ARCHIVE = ".tar"


@dataclass(frozen=True)
class Backup:
    """A backup that was written and read again; `path` is absolute."""

    path: Path
    manifest: BackupManifest


def make(workspace: Workspace, target: Path, *, with_jobs: bool = False) -> Backup:
    """Back up a workspace. The target appears whole or not at all.

    Args:
        target: new folder, or new file whose name ends in `.tar`.
        with_jobs: also the folders of jobs: logs, and what an unfinished run resumes from.

    Raises:
        WrongInputError: the ledger is in PostgreSQL, or the target lies in the workspace.
        ConflictError: the target is there.
        DiskFullError: there is no room for it.
        DamagedError: the ledger is damaged, or a copy reads back differently.
    """
    target = target.absolute()
    _check(workspace, target)
    partial = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        partial.mkdir(parents=True, mode=0o700)
        made = _fill(workspace, partial, with_jobs)
        verify(partial, made)
        if target.suffix == ARCHIVE:
            _pack(partial, made, target)
        else:
            partial.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise _not_written(target, error) from error
    except sqlite3.Error as error:
        raise _not_copied(target, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Backup(target, made)


def verify(folder: Path, made: BackupManifest) -> None:
    """Read every file of a backup again.

    Raises:
        DamagedError: one is missing or differs from the manifest.
    """
    for name, expected in made.files.items():
        try:
            with (folder / name).open("rb") as file:
                found = manifest.entry_of(file)
        except FileNotFoundError:
            raise manifest.damaged(str(folder), f"{name} is missing") from None
        if found != expected:
            raise manifest.damaged(str(folder), f"{name} does not match its SHA-256")


def _check(workspace: Workspace, target: Path) -> None:
    if not workspace.ledger.is_sqlite:
        raise WrongInputError(
            "The ledger of this workspace is in PostgreSQL, which this command does not copy.",
            f"Run pg_dump first, then copy the folder {workspace.home} and the media store "
            f"{workspace.media.url}: in this order the files fit the dump.",
        )
    if target.is_relative_to(workspace.home):
        raise WrongInputError(
            f"{target} lies in the workspace itself.",
            "Back up to another place, best to another disk.",
        )
    if target.exists():
        raise ConflictError(f"{target} is already there.", "Name a new file or folder.")


def _fill(workspace: Workspace, folder: Path, with_jobs: bool) -> BackupManifest:
    made_at = _copy_ledger(workspace, folder / manifest.LEDGER)
    copied = Ledger(sqlite_url(folder / manifest.LEDGER))
    files: dict[str, FileEntry] = {}
    missing: list[str] = []
    try:
        with copied.read() as db:
            counts, revision = manifest.counts(db), schema.revision(db) or ""
            listed = list(_listed(db))
            media_ids = list(db.execute(select(tables.media.c.id, tables.media.c.size)))
    finally:
        copied.close()
    (folder / SECRET).write_bytes(workspace.secret())
    (folder / SECRET).chmod(0o600)
    for name in (manifest.LEDGER, SECRET):
        files[name] = _synced(folder / name)
    for media_id, size in media_ids:
        name = f"media/{media_id[:2]}/{media_id}"
        _copy_media(workspace, media_id, int(size), folder / name, name, files, missing)
    wanted = [*listed, *(["jobs"] if with_jobs else [])]
    for name in wanted:
        _copy_tree(workspace.home, name, folder, files, missing)
    made = BackupManifest(made_at, revision, files, counts, missing)
    (folder / manifest.NAME).write_bytes(made.encoded())
    _synced(folder / manifest.NAME)
    return made


def _copy_ledger(workspace: Workspace, target: Path) -> int:
    """One state of the ledger, taken by a reader: nobody who votes waits for it."""
    with closing(sqlite3.connect(target)) as copy:
        with workspace.ledger.read() as db:
            made_at = clock.now(db)
            driver: Any = db.connection.driver_connection
            driver.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        problems = [row[0] for row in copy.execute("PRAGMA quick_check")]
        broken = copy.execute("PRAGMA foreign_key_check").fetchone()
    if problems != ["ok"] or broken is not None:
        raise DamagedError(
            f"The ledger is damaged: {problems[0] if problems != ['ok'] else broken[0]}.",
            "Nothing was backed up. Run pairwright doctor, and restore an earlier backup.",
        )
    return made_at


def _listed(db: Any) -> Iterator[str]:
    """Files and folders that rows name, relative to the workspace."""
    for table in (tables.dataset_versions, tables.checkpoints):
        yield from db.execute(select(table.c.path).order_by(table.c.id)).scalars()
    items = tables.independent_results.c["items"]
    yield from db.execute(select(items).where(items != "").distinct().order_by(items)).scalars()
    table = tables.segments
    used = select(table.c.path).where(table.c.retired_at.is_(None)).order_by(table.c.id)
    yield from db.execute(used).scalars()


def _copy_media(
    workspace: Workspace,
    media_id: str,
    size: int,
    target: Path,
    name: str,
    files: dict[str, FileEntry],
    missing: list[str],
) -> None:
    try:
        data = workspace.media.read(media_id)
    except NotFoundError:
        data = b""
    if len(data) != size:
        missing.append(name)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    files[name] = _synced(target)


def _copy_tree(
    home: Path, name: str, folder: Path, files: dict[str, FileEntry], missing: list[str]
) -> None:
    """A file, or a folder with all that is in it. Links are not followed and not copied."""
    source = home / name
    found = [source] if source.is_file() else sorted(source.rglob("*"))
    copied = 0
    for path in found:
        if path.is_symlink() or not path.is_file():
            continue
        relative = path.relative_to(home).as_posix()
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        # a job that runs may put its files elsewhere meanwhile
        try:
            shutil.copyfile(path, target)
        except FileNotFoundError:
            continue
        files[relative] = _synced(target)
        copied += 1
    if not copied and name != "jobs":
        missing.append(name)


def _synced(path: Path) -> FileEntry:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return manifest.entry_of(file)


def _pack(folder: Path, made: BackupManifest, target: Path) -> None:
    """The folder as one tar file, the manifest first; read again before it gets its name."""
    temporary = target.with_name(f".{target.name}-{secrets.token_hex(4)}{ARCHIVE}")
    try:
        with temporary.open("xb") as raw, tarfile.open(fileobj=raw, mode="w") as archive:
            for name in (manifest.NAME, *made.files):
                archive.add(folder / name, arcname=name, recursive=False)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
            with tarfile.open(fileobj=written, mode="r:") as archive:
                for name, expected in made.files.items():
                    member = archive.extractfile(name)
                    if member is None or manifest.entry_of(member) != expected:  # type: ignore[arg-type]
                        raise manifest.damaged(str(target), f"{name} reads back differently")
        temporary.chmod(0o600)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _not_copied(target: Path, error: sqlite3.Error) -> WorkspaceError:
    full = "disk is full" in str(error)
    return (DiskFullError if full else WorkspaceError)(
        f"The ledger could not be copied to {target}: {error}.",
        "Check the room on that disk, and quotas; nothing was left behind.",
    )


def _not_written(target: Path, error: OSError) -> WorkspaceError:

    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFullError(
            f"There is no room for the backup {target}: {error.strerror}.",
            "Free some space or name another place; nothing was left behind.",
        )
    return WorkspaceError(
        f"The backup {target} cannot be written: {error.strerror}.",
        "Check the folder and its permissions.",
    )
