"""Videos as they are stored: the same MP4 or WebM without titles, names, dates or other metadata.

Nothing is decoded or encoded again. What tells where a video comes from is overwritten in place by
padding of the same length, so every offset inside the file stays right and the result depends on
the file alone. The frames themselves, and what an encoder wrote between them, are left alone.
"""

from __future__ import annotations

import hashlib

from storage import mp4, webm
from storage.errors import WrongInputError
from storage.rows import Media

MP4, WEBM = "MP4", "WebM"

_HOW = "Save it again as an MP4 or WebM video."


def kind_of(data: bytes) -> str | None:
    """`MP4` or `WebM` by the first bytes, None for anything else."""
    if data[4:8] == b"ftyp":
        return MP4
    if data.startswith(b"\x1aE\xdf\xa3"):
        return WEBM
    return None


def normalize(data: bytes) -> tuple[Media, bytes]:
    """The video as it is stored. The id is the SHA-256 of the stored bytes.

    Normalizing what is already normalized changes nothing. Width and height stay 0: unknown.

    Raises:
        WrongInputError: no MP4 or WebM by its content, without a picture track, cut off or damaged.
    """
    kind = kind_of(data)
    if kind is None:
        raise WrongInputError("The file is no MP4 or WebM video by its content.", _HOW)
    stored = bytearray(data)
    try:
        (mp4 if kind == MP4 else webm).strip(stored)
    except ValueError as problem:
        raise WrongInputError(
            f"The file does not work as {kind} video: {problem}.", _HOW
        ) from problem
    media = Media(
        id=hashlib.sha256(stored).hexdigest(),
        kind="video",
        mime=f"video/{kind.lower()}",
        width=0,
        height=0,
        size=len(stored),
    )
    return media, bytes(stored)
