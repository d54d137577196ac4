"""The boxes of an MP4 file: checking that they are whole, and blanking what is not the video.

Box layout: ISO/IEC 14496-12. A box is a 32-bit size, a four-letter type, its payload.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"moof", b"traf", b"mvex"}
# titles, comments, places, cover pictures, producer's own data, old padding
_METADATA = {b"udta", b"meta", b"uuid", b"free", b"skip", b"wide", b"ilst", b"pdin", b"cprt"}
# boxes that start with version, flags, creation and modification time
_DATED = {b"mvhd", b"tkhd", b"mdhd"}
_DEEPEST = 16


@dataclass(frozen=True)
class _Box:
    """A box in a file: where it starts, where its payload starts, where it ends, in bytes."""

    kind: bytes
    start: int
    payload: int
    end: int


def strip(data: bytearray) -> None:
    """Blank metadata, dates and handler names in place; the length stays.

    Raises:
        ValueError: the boxes do not fill the file exactly, or there is no video in it.
    """
    kinds = {box.kind for box in _boxes(data, 0, len(data))}
    if data[8:12] == b"qt  ":
        raise ValueError("it is a QuickTime movie, not an MP4")
    if b"moov" not in kinds or not kinds & {b"mdat", b"moof"}:
        raise ValueError("the index (moov) or the frames (mdat) are missing")
    if b"vide" not in _blank(data, 0, len(data), 0):
        raise ValueError("no track of it is a video")


def _blank(data: bytearray, start: int, end: int, depth: int) -> set[bytes]:
    """Blank the boxes of a range; return the handler types (`vide`, `soun`) met."""
    if depth > _DEEPEST:
        raise ValueError("its boxes are nested too deeply")
    handlers: set[bytes] = set()
    for box in _boxes(data, start, end):
        if box.kind in _METADATA:
            data[box.start + 4 : box.start + 8] = b"free"
            data[box.payload : box.end] = bytes(box.end - box.payload)
        elif box.kind in _CONTAINERS:
            handlers |= _blank(data, box.payload, box.end, depth + 1)
        elif box.kind in _DATED:
            _blank_dates(data, box)
        elif box.kind == b"hdlr":
            handlers.add(_blank_handler_name(data, box))
        elif box.kind == b"stsd":
            _blank_compressor_names(data, box)
    return handlers


def _boxes(data: bytearray, start: int, end: int) -> Iterator[_Box]:
    at = start
    while at < end:
        size, payload = int.from_bytes(data[at : at + 4], "big"), at + 8
        if size == 1:
            size, payload = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        elif size == 0:
            size = end - at
        if payload > end or at + size > end or at + size < payload:
            raise ValueError(f"the box at byte {at} does not end inside the file")
        yield _Box(bytes(data[at + 4 : at + 8]), at, payload, at + size)
        at += size


def _blank_dates(data: bytearray, box: _Box) -> None:
    length = 16 if data[box.payload : box.payload + 1] == b"\x01" else 8
    if box.end - box.payload < 4 + length:
        raise ValueError(f"the box at byte {box.start} is too short")
    data[box.payload + 4 : box.payload + 4 + length] = bytes(length)


def _blank_handler_name(data: bytearray, box: _Box) -> bytes:
    """Version and flags, 4 bytes; predefined, 4; handler type, 4; reserved, 12; then the name."""
    name = box.payload + 24
    if name > box.end:
        raise ValueError(f"the box at byte {box.start} is too short")
    data[name : box.end] = bytes(box.end - name)
    return bytes(data[box.payload + 8 : box.payload + 12])


def _blank_compressor_names(data: bytearray, box: _Box) -> None:
    """The encoder's name is 32 bytes long, 50 bytes into a visual sample entry."""
    if box.end - box.payload < 8:
        raise ValueError(f"the box at byte {box.start} is too short")
    for entry in _boxes(data, box.payload + 8, box.end):
        is_visual = entry.kind[:3] in (b"avc", b"hev", b"hvc", b"av0", b"vp0", b"mp4")
        if is_visual and entry.kind != b"mp4a" and entry.end - entry.start >= 86:
            data[entry.start + 50 : entry.start + 82] = bytes(32)
