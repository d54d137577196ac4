"""Restoring a backup into a new folder: every file is compared before the workspace appears."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from storage import workspace as workspaces
from storage.backups import manifest
from storage.backups.manifest import BackupManifest
from storage.errors import ConflictError, DiskFullError, NotFoundError, WorkspaceError
from storage.ledger import Ledger, sqlite_url
from storage.media import sync_folder
from storage.schema import refuse_unknown

_Reader = Callable[[str], BinaryIO]


@dataclass(frozen=True)
class Restored:
    """A workspace as a backup knew it; `home` is absolute, `counts` was read from its ledger."""

    home: Path
    manifest: BackupManifest
    counts: dict[str, int]


def restore(source: Path, home: Path) -> Restored:
    """Make a workspace from a backup. The folder appears whole or not at all.

    Args:
        source: a folder or `.tar` file that `making.make` wrote.
        home: a new or empty folder.

    Raises:
        NotFoundError: the source holds no backup.
        ConflictError: the folder is in use.
        DamagedError: a file of the backup is missing or differs.
        WorkspaceError: the backup is of a newer version, or the folder cannot be written.
    """
    home = home.absolute()
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise ConflictError(
            f"{home} is not empty.", "Restore into a new folder: --home DIR names it."
        )
    partial = home.with_name(f".{home.name}-{secrets.token_hex(4)}")
    try:
        with _opened(source.absolute()) as read:
            made = _manifest(read, source)
            _copy(read, made, source, partial)
        _check_schema(partial, made)
        if home.exists():
            home.rmdir()
        partial.rename(home)
        sync_folder(home.parent)
    except OSError as error:
        raise _not_written(home, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Restored(home, made, _counted(home))


@contextmanager
def _opened(source: Path) -> Iterator[_Reader]:
    """A function that opens a file of the backup by its name."""
    if source.is_dir():
        yield lambda name: (source / name).open("rb")
        return
    try:
        archive = tarfile.open(source, mode="r:")  # noqa: SIM115
    except (FileNotFoundError, tarfile.TarError):
        raise _no_backup(source) from None
    with archive:

        def member(name: str) -> BinaryIO:
            # only what the manifest names is read, and written where we say: nothing is extracted
            found = archive.extractfile(name)
            if found is None:
                raise KeyError(name)
            return cast(BinaryIO, found)

        yield member


def _manifest(read: _Reader, source: Path) -> BackupManifest:
    try:
        with read(manifest.NAME) as file:
            return manifest.decoded(file.read(), str(source))
    except (FileNotFoundError, KeyError, tarfile.TarError):
        raise _no_backup(source) from None


def _copy(read: _Reader, made: BackupManifest, source: Path, partial: Path) -> None:
    partial.mkdir(parents=True, mode=0o700)
    for name, expected in made.files.items():
        target = partial / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with read(name) as file, target.open("xb") as copy:
                shutil.copyfileobj(file, copy, manifest.CHUNK)
                copy.flush()
                os.fsync(copy.fileno())
        except (FileNotFoundError, KeyError, tarfile.TarError):
            raise manifest.damaged(str(source), f"{name} is missing or cut") from None
        with target.open("rb") as file:
            if manifest.entry_of(file) != expected:
                raise manifest.damaged(str(source), f"{name} does not match its SHA-256")
    (partial / workspaces.SECRET).chmod(0o600)
    for folder in workspaces.FOLDERS:
        (partial / folder).mkdir(exist_ok=True)


def _check_schema(partial: Path, made: BackupManifest) -> None:
    """Write the settings last, when nothing speaks against opening the workspace."""
    refuse_unknown(made.revision or None, Ledger(sqlite_url(partial / manifest.LEDGER)))
    workspaces.write_settings(partial)


def _counted(home: Path) -> dict[str, int]:
    """Opening it also brings an older schema up to date."""
    opened = workspaces.open_existing(home)
    try:
        with opened.ledger.read() as db:
            return manifest.counts(db)
    finally:
        opened.close()


def _no_backup(source: Path) -> NotFoundError:
    return NotFoundError(
        f"{source} holds no backup.", "Name a folder or .tar file that pairwright backup wrote."
    )


def _not_written(home: Path, error: OSError) -> WorkspaceError:

    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    kind = DiskFullError if full else WorkspaceError
    return kind(
        f"The workspace {home} cannot be written: {error.strerror}.",
        "Free some space, or name another folder with --home; nothing was left behind.",
    )
