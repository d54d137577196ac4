"""Pictures and videos of a pair, under an address that only its annotator can use.

No name, date or tag of the file goes along: not even an ETag, which would tell that two pairs share
a picture.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from starlette.responses import Response, StreamingResponse

from labeling import desk, refusals
from labeling.access import Seat
from storage import browser_sizes, pairs
from storage import media as media_rows
from storage.errors import NotFoundError
from storage.ledger import Connection
from storage.media import MediaStore
from storage.rows import Media

_log = logging.getLogger(__name__)
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_CHUNK = 256 * 1024


@dataclass(frozen=True)
class _File:
    """Bytes to send. `open` raises NotFoundError when the store has lost them."""

    mime: str
    size: int
    open: Callable[[], BinaryIO]


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


def respond(store: MediaStore, media: Media, wanted: str | None, *, full: bool) -> Response:
    """The bytes, or the one range of them that the browser asks for to move within a video.

    Of a large picture its browser size, unless `full` asks for all pixels.

    Raises:
        RefusedError: 404 when the store has lost the bytes.
    """
    file = _original(store, media) if full else _first_shown(store, media)
    part = byte_range(wanted, file.size)
    if part is not None and not part:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{file.size}"})
    headers = {"Accept-Ranges": "bytes"}
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
    sent = range(file.size) if part is None else part
    headers["Content-Length"] = str(len(sent))
    return StreamingResponse(
        _chunks(_opened(file), sent),
        status_code=200 if part is None else 206,
        headers=headers,
        media_type=file.mime,
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


def _opened(file: _File) -> BinaryIO:
    try:
        return file.open()
    except NotFoundError as error:
        # it names the id of the content and where it should be
        _log.error("%s", error)
        raise refusals.lost_media() from error


def _first_shown(store: MediaStore, media: Media) -> _File:
    small = browser_sizes.shown(store, media)
    if small is None:
        return _original(store, media)
    return _File(browser_sizes.MIME, len(small), lambda: io.BytesIO(small))


def _original(store: MediaStore, media: Media) -> _File:
    return _File(media.mime, media.size, lambda: store.opened(media.id))


def _chunks(file: BinaryIO, part: range) -> Iterator[bytes]:
    with file:
        file.seek(part.start)
        for start in range(part.start, part.stop, _CHUNK):
            yield file.read(min(_CHUNK, part.stop - start))
