"""The workspace: one folder (or a database and a bucket beside it) that holds everything.

`workspace.json` names the ledger and the media store; `secret` holds random bytes of this install.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import schema
from storage.errors import WorkspaceError
from storage.ledger import Ledger, sqlite_url
from storage.media import MediaStore, sync_folder

SCHEMA = 1
SETTINGS = "workspace.json"
SECRET = "secret"  # noqa: S105
LEDGER_FILE = "ledger.sqlite"
FOLDERS = ("jobs", "datasets", "checkpoints")
SECRET_BYTES = 32


@dataclass(frozen=True)
class Workspace:
    """An open workspace. `home` is absolute."""

    home: Path
    ledger: Ledger
    media: MediaStore

    @property
    def jobs_folder(self) -> Path:
        return self.home / "jobs"

    @property
    def datasets_folder(self) -> Path:
        return self.home / "datasets"

    @property
    def checkpoints_folder(self) -> Path:
        return self.home / "checkpoints"

    def secret(self) -> bytes:
        """32 random bytes of this install, the same on every call.

        Raises:
            WorkspaceError: the file is gone or was cut.
        """
        path = self.home / SECRET
        try:
            secret = path.read_bytes()
        except OSError as error:
            raise WorkspaceError(
                f"The secret of this workspace, {path}, cannot be read: {error.strerror}.",
                "Restore it from a backup, or run `pairwright init`: then links stop working.",
            ) from error
        if len(secret) != SECRET_BYTES:
            raise WorkspaceError(
                f"The secret of this workspace, {path}, has {len(secret)} bytes, not 32.",
                "Restore it from a backup, or delete it and run `pairwright init`.",
            )
        return secret

    def close(self) -> None:
        """Close the ledger; closing again does nothing."""
        self.ledger.close()


def create(home: Path, ledger_url: str | None = None, media_url: str | None = None) -> Workspace:
    """Make a workspace, or open the one that is there and bring its schema up to date.

    Args:
        home: folder to make.
        ledger_url: a SQLite or PostgreSQL URL; by default `ledger.sqlite` in the folder.
        media_url: any fsspec URL; by default the folder `media` in the folder.

    Raises:
        WorkspaceError: the folder cannot be used, or holds a workspace with other URLs.
    """
    home = home.absolute()
    wanted = {
        "schema": SCHEMA,
        "ledger_url": ledger_url and _absolute(ledger_url),
        "media_url": media_url
        and (media_url if ":" in media_url else str(Path(media_url).absolute())),
    }
    settings = _settings(home) if (home / SETTINGS).exists() else wanted
    for name in ("ledger_url", "media_url"):
        if wanted[name] is not None and wanted[name] != settings.get(name):
            raise WorkspaceError(
                f"{home} is a workspace with another {name}.",
                f"Leave it out, or edit {home / SETTINGS} when the data was moved.",
            )
    _make_folders(home)
    opened = _opened(home, settings)
    try:
        schema.upgrade(opened.ledger, home / "backups")
        # last, so that a folder counts as a workspace only when everything is there
        _write_privately(home / SECRET, secrets.token_bytes(SECRET_BYTES))
        _write_privately(home / SETTINGS, json.dumps(wanted, indent=2).encode() + b"\n")
    except BaseException:
        opened.close()
        raise
    return opened


def open_existing(home: Path) -> Workspace:
    """Open a workspace. A SQLite ledger of an older version is backed up and migrated.

    Raises:
        WorkspaceError: there is no workspace, or it is newer than this code, or its PostgreSQL
            schema is older.
    """
    home = home.absolute()
    opened = _opened(home, _settings(home))
    try:
        with opened.ledger.read() as db:
            current = schema.revision(db) == schema.HEAD
        if not current and opened.ledger.is_sqlite:
            schema.upgrade(opened.ledger, home / "backups")
        elif not current:
            schema.require_current(opened.ledger)
    except BaseException:
        opened.close()
        raise
    return opened


def write_settings(home: Path) -> None:
    """Make a folder with ledger, media and secret in their usual places count as a workspace."""
    settings = {"schema": SCHEMA, "ledger_url": None, "media_url": None}
    _write_privately(home / SETTINGS, json.dumps(settings, indent=2).encode() + b"\n")


def open_as_is(home: Path) -> Workspace:
    """Open a workspace to look at it: nothing is migrated and the schema is not checked.

    Raises:
        WorkspaceError: there is no workspace, or its settings are newer than this code.
    """
    home = home.absolute()
    return _opened(home, _settings(home))


def _make_folders(home: Path) -> None:
    try:
        for folder in (home, *(home / name for name in FOLDERS)):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"The workspace {home} cannot be made: {error.strerror}.",
            "Choose another folder with `--home DIR`, or check its permissions.",
        ) from error


def _absolute(ledger_url: str) -> str:
    # a relative file would be another one from every folder a command is run in
    path = Ledger(ledger_url).path
    return ledger_url if path is None else sqlite_url(path)


def _media_store(url: str) -> MediaStore:
    try:
        return MediaStore(url)
    except (ValueError, ImportError) as error:
        raise WorkspaceError(
            f"The media store {url} cannot be used: {error}.",
            "Use a folder or an fsspec URL, and install what its protocol needs.",
        ) from error


def _opened(home: Path, settings: dict[str, Any]) -> Workspace:
    ledger_url = settings.get("ledger_url") or sqlite_url(home / LEDGER_FILE)
    media_url = settings.get("media_url") or str(home / "media")
    return Workspace(home, Ledger(ledger_url), _media_store(media_url))


def _settings(home: Path) -> dict[str, Any]:
    path = home / SETTINGS
    try:
        settings = json.loads(path.read_bytes())
        written_by = int(settings["schema"])
    except FileNotFoundError:
        raise WorkspaceError(
            f"There is no workspace in {home}.",
            f"Make one with `pairwright init --home {home}`, or name another with `--home`.",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(
            f"{path} cannot be read: {error}.", "Restore it from a backup, or correct it."
        ) from error
    if written_by > SCHEMA:
        raise WorkspaceError(
            f"{path} was written by a newer version (schema {written_by}, known: {SCHEMA}).",
            "Install the newer version of Pairwright.",
        )
    return dict(settings)


def _write_privately(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads, whole or not at all, unless it is there."""
    if path.exists():
        return
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()
    sync_folder(path.parent)
