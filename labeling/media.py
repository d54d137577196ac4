"""Pictures and videos of a pair, under an address that only its annotator can use.

No name, date or tag of the file goes along: not even an ETag, which would tell that two pairs share
a picture.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from starlette.responses import Response, StreamingResponse

from labeling import desk, refusals
from labeling.access import Seat
from storage import media as media_rows
from storage import pairs
from storage.errors import NotFoundError
from storage.ledger import Connection
from storage.media import MediaStore
from storage.rows import Media

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_CHUNK = 256 * 1024


def find(db: Connection, seat: Seat, assignment_id: str, place: int) -> Media:
    """The media at a place (from 0) of the prompt of an annotator's own assignment.

    Raises:
        RefusedError: 404 when the assignment is not this annotator's or has no such place.
    """
    return of_pair(db, desk.own(db, seat, assignment_id).pair_id, place)


def of_pair(db: Connection, pair_id: str, place: int) -> Media:
    """The media at a place (from 0) of the prompt of a pair.

    Raises:
        RefusedError: 404 when there is no such place.
    """
    shown = pairs.view(db, pair_id).prompt.media
    if not 0 <= place < len(shown):
        raise refusals.not_yours()
    return media_rows.get(db, shown[place])


def respond(store: MediaStore, media: Media, wanted: str | None) -> Response:
    """The bytes, or the one range of them that the browser asks for to move within a video.

    Raises:
        NotFoundError: the store has lost the bytes.
    """
    part = byte_range(wanted, media.size)
    if part is not None and not part:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{media.size}"})
    headers = {"Accept-Ranges": "bytes"}
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{media.size}"
    sent = range(media.size) if part is None else part
    headers["Content-Length"] = str(len(sent))
    return StreamingResponse(
        _chunks(_opened(store, media), sent),
        status_code=200 if part is None else 206,
        headers=headers,
        media_type=media.mime,
    )


def byte_range(wanted: str | None, size: int) -> range | None:
    """The bytes that a Range header asks for: empty when they are not there, None for everything.

    Several ranges at once are answered with everything, as HTTP allows.
    """
    found = _RANGE.fullmatch(wanted.strip()) if wanted else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return range(max(0, size - int(found[2])), size)
    return range(int(found[1]), min(size, int(found[2]) + 1) if found[2] else size)


def _opened(store: MediaStore, media: Media) -> BinaryIO:
    path = Path(store.path_of(media.id))
    if not store.url.startswith("file:") or not path.exists():
        return io.BytesIO(store.read(media.id))
    if path.is_symlink():
        # the store writes none: somebody points it at another file
        raise NotFoundError("The file of this picture is a link to another.", "Import it again.")
    return path.open("rb")


def _chunks(file: BinaryIO, part: range) -> Iterator[bytes]:
    with file:
        file.seek(part.start)
        for start in range(part.start, part.stop, _CHUNK):
            yield file.read(min(_CHUNK, part.stop - start))
