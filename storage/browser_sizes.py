"""Browser sizes: what people see first of a large picture, so that nobody waits for all its pixels.

A JPEG beside the original in the media store, made at import. It is no media of its own: ids,
training and exports know the original alone. Where it is missing (a workspace of an older version,
a restored backup, a file that somebody deleted) it is made when the picture is first asked for.
"""

from __future__ import annotations

import io
import threading
from contextlib import suppress

from PIL import Image

from storage import pictures
from storage.errors import PairwrightError
from storage.media import MediaStore
from storage.rows import Media

# pixels; what the bench has room for, also on screens with two pixels for one
LONGEST_SIDE = 1600
# bytes; below, the lossless original comes as quickly
LARGE = 1024 * 1024
MIME = "image/jpeg"
# the name says the size, so that files of another one are left alone
NAME = f"browser-{LONGEST_SIDE}"
# what is kept where the JPEG would have more bytes than the original
NONE_NEEDED = b""

# every colour at full resolution: thin coloured lines and small print stay legible. Not `optimize`:
# with it Pillow fails on noise
_JPEG = {"quality": 90, "subsampling": 0}
_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_making = threading.Lock()


def is_large(media: Media) -> bool:
    """Whether a browser size of it is made. A matter of recorded facts: no file is looked at."""
    longest = max(media.width, media.height)
    return media.kind == "picture" and (longest > LONGEST_SIDE or media.size > LARGE)


def make(data: bytes) -> bytes:
    """The browser size of a picture: a JPEG of at most 1,600 pixels on its longest side and nothing
    but pixels; `NONE_NEEDED` where it would have more bytes than `data`.

    The same pixels give the same bytes with the same version of Pillow.

    Raises:
        WrongInputError: as for `pictures.normalize`, with the same limits.
    """
    picture = pictures.open_picture(data)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    made = io.BytesIO()
    picture.save(made, "JPEG", **_JPEG)
    return made.getvalue() if made.tell() < len(data) else NONE_NEEDED


def keep(store: MediaStore, media: Media, data: bytes) -> None:
    """Make the browser size of a large picture from its stored bytes, unless it is kept already.

    Raises:
        WrongInputError: the bytes are no picture.
    """
    if is_large(media) and kept(store, media) is None:
        store.put_beside(media.id, NAME, make(data))


def kept(store: MediaStore, media: Media) -> bytes | None:
    """What is kept, maybe `NONE_NEEDED`; None when it is missing, or cut off."""
    found = store.beside(media.id, NAME)
    whole = not found or (found.startswith(_START) and found.endswith(_END))
    return found if whole else None


def shown(store: MediaStore, media: Media) -> bytes | None:
    """The browser size, made now if it is missing; None where the original is what to show.

    One at a time is made in a process. Who asks meanwhile gets the original, as does everybody when
    it cannot be made: nobody waits for others, and no more than one picture is decoded.
    """
    if not is_large(media):
        return None
    found = kept(store, media)
    if found is None and _making.acquire(blocking=False):
        try:
            found = _made_late(store, media)
        finally:
            _making.release()
    return found or None


def _made_late(store: MediaStore, media: Media) -> bytes | None:
    try:
        with store.opened(media.id) as file:
            made = make(file.read())
    except PairwrightError:
        # the original is lost or damaged: who is sent it learns of that
        return None
    # a store that cannot be written to: then it is made again the next time
    with suppress(OSError):
        store.put_beside(media.id, NAME, made)
    return made
