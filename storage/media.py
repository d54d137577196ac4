"""Where pictures and videos live: bytes under any fsspec URL by content id, facts in the ledger.

Stored names are content ids without an extension, so a name says nothing of where a file came from.
"""

from __future__ import annotations

import io
import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem
from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import DamagedError, NotFoundError
from storage.inserts import add_if_absent
from storage.rows import Media

_ID = re.compile(r"[0-9a-f]{64}")
EXTENSIONS = {"image/png": "png", "video/mp4": "mp4", "video/webm": "webm"}
_FACTS = [tables.media.c[name] for name in ("id", "kind", "mime", "width", "height", "size")]
# built once: building it for every vote costs more than running it
_BY_IDS = select(*_FACTS).where(tables.media.c.id.in_(bindparam("ids", expanding=True)))


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
        self._write(path, data)

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

    def opened(self, media_id: str) -> BinaryIO:
        """The stored bytes as a file to read from.

        Raises:
            NotFoundError: nothing is stored under this id, or a link to another file is.
        """
        path = Path(self.path_of(media_id))
        if not self._local or not path.exists():
            return io.BytesIO(self.read(media_id))
        if _is_link(path):
            raise NotFoundError(
                "The file of this picture is a link to another.", "Import it again."
            )
        return path.open("rb")

    def put_beside(self, media_id: str, name: str, data: bytes) -> None:
        """Keep what was made of a picture or video beside it, whole or not at all."""
        self._write(self.path_beside(media_id, name), data)

    def beside(self, media_id: str, name: str) -> bytes | None:
        """What is kept beside a picture or video under this name; None when it cannot be read."""
        path = self.path_beside(media_id, name)
        if self._local and _is_link(Path(path)):
            return None
        try:
            return bytes(self._files.cat_file(path))
        except OSError:
            return None

    def path_beside(self, media_id: str, name: str) -> str:
        """Where something is kept beside a picture or video; errors as in `path_of`."""
        return f"{self.path_of(media_id)}-{name}"

    def _write(self, path: str, data: bytes) -> None:
        if self._local:
            _write_durably(Path(path), data)
        else:
            self._files.pipe_file(path, data)


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
    found = facts(db, [media_id])
    if not found:
        raise NotFoundError(
            f"No media has the id {media_id[:80]!r}.", "Media come in with `pairwright import`."
        )
    return found[media_id]


def facts(db: Connection, media_ids: Sequence[str]) -> dict[str, Media]:
    """The recorded facts of pictures and videos by their ids; of unknown ids there are none."""
    if not media_ids:
        return {}
    return {row.id: Media(*row) for row in db.execute(_BY_IDS, {"ids": list(media_ids)})}


def _is_link(path: Path) -> bool:
    # the store writes none: somebody points it at another file
    return path.is_symlink()


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
