"""Where pictures and videos live: bytes under any fsspec URL by content id, facts in the ledger.

Stored names are content ids without an extension, so a name says nothing of where a file came from.
"""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem
from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import DamagedError, NotFoundError
from storage.inserts import add_if_absent
from storage.rows import Media

_ID = re.compile(r"[0-9a-f]{64}")
EXTENSIONS = {"image/png": "png", "video/mp4": "mp4", "video/webm": "webm"}


class MediaStore:
    """Content-addressed media below a folder or any other fsspec URL."""

    def __init__(self, url: str) -> None:
        self._files: Any
        self._files, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")
        self._local = isinstance(self._files, LocalFileSystem)

    @property
    def url(self) -> str:
        """The address of the store with its protocol, as another process needs it."""
        return str(self._files.unstrip_protocol(self._root))

    def path_of(self, media_id: str) -> str:
        """Where the bytes of this id are: a path on a local store, else the path in its filesystem.

        Raises:
            NotFoundError: this cannot be an id, so no path is made from it.
        """
        if not _ID.fullmatch(media_id):
            raise NotFoundError(
                f"{media_id[:80]!r} is no media id.",
                "Media ids are 64 hexadecimal digits, as in the ledger.",
            )
        return f"{self._root}/{media_id[:2]}/{media_id}"

    def put(self, data: bytes, media: Media) -> None:
        """Keep the normalized bytes; does nothing when they are there with the same size."""
        if len(data) != media.size:
            raise DamagedError(
                f"Media {media.id} has {len(data)} bytes, but {media.size} is recorded."
            )
        path = self.path_of(media.id)
        if self._files.exists(path) and self._files.size(path) == media.size:
            return
        if self._local:
            _write_durably(Path(path), data)
        else:
            self._files.pipe_file(path, data)

    def read(self, media_id: str) -> bytes:
        """The stored bytes.

        Raises:
            NotFoundError: nothing is stored under this id.
        """
        path = self.path_of(media_id)
        try:
            return bytes(self._files.cat_file(path))
        except FileNotFoundError:
            raise NotFoundError(
                f"The bytes of media {media_id} are not in {self.url}.",
                "Import the file again: it is stored under the same id.",
            ) from None


def add(tx: Connection, row: Media) -> bool:
    """Record a picture or video; True when it was new."""
    values = {
        "id": row.id,
        "kind": row.kind,
        "mime": row.mime,
        "width": row.width,
        "height": row.height,
        "size": row.size,
        "created_at": clock.now(tx),
    }
    return add_if_absent(tx, tables.media, values)


def get(db: Connection, media_id: str) -> Media:
    """The recorded facts of a picture or video.

    Raises:
        NotFoundError: no media has this id.
    """
    table = tables.media
    row = db.execute(select(table).where(table.c.id == media_id)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"No media has the id {media_id[:80]!r}.", "Media come in with `pairwright import`."
        )
    return Media(row.id, row.kind, row.mime, row.width, row.height, row.size)


def _write_durably(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
