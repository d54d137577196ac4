"""The manifest of a backup: every file with its size and SHA-256, and what the ledger counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from sqlalchemy import func, select

from storage import tables
from storage.errors import DamagedError, WorkspaceError
from storage.ledger import Connection

NAME = "backup.json"
SCHEMA = 1
LEDGER = "ledger.sqlite"
CHUNK = 1 << 20
_COUNTED = {
    "pairs": tables.pairs,
    "media": tables.media,
    "votes": tables.votes,
    "dataset_versions": tables.dataset_versions,
    "checkpoints": tables.checkpoints,
    "jobs": tables.jobs,
}


@dataclass(frozen=True)
class FileEntry:
    """One file: bytes and SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class BackupManifest:
    """What a backup holds.

    Attributes:
        made_at: microseconds since 1970-01-01 UTC by the ledger's clock; the state is of then.
        revision: of the ledger's schema.
        files: path relative to the workspace -> size and digest.
        counts: rows of the ledger by what they are; `votes` counts events, undos included.
        missing: files that the ledger lists and that were not there or not whole.
    """

    made_at: int
    revision: str
    files: Mapping[str, FileEntry]
    counts: Mapping[str, int]
    missing: Sequence[str]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.files.values())

    def encoded(self) -> bytes:
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1).encode() + b"\n"


def decoded(data: bytes, where: str) -> BackupManifest:
    """The manifest in these bytes; `where` names the backup in an error.

    Raises:
        WorkspaceError: it was written by a newer version.
        DamagedError: it cannot be read, or names a file outside of the backup.
    """
    try:
        values: dict[str, Any] = json.loads(data)
        if values.pop("schema") > SCHEMA:
            raise WorkspaceError(
                f"The backup {where} was made by a newer version.",
                "Install the newer version of Pairwright.",
            )
        files = {name: FileEntry(**entry) for name, entry in values.pop("files").items()}
        made = BackupManifest(files=files, **values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(where, f"its {NAME} cannot be read ({error})") from error
    for name in made.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or str(path) != name or name == NAME:
            raise damaged(where, f"its {NAME} names {name[:100]!r}")
    return made


def counts(db: Connection) -> dict[str, int]:
    """How many rows of each kind the ledger holds."""
    return {
        name: int(db.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in _COUNTED.items()
    }


def entry_of(file: BinaryIO) -> FileEntry:
    """Size and digest of what is left of an open file."""
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return FileEntry(size, digest.hexdigest())


def damaged(where: str, what: str) -> DamagedError:
    return DamagedError(f"The backup {where} is not whole: {what}.", "Use another backup.")
