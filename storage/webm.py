"""The elements of a WebM file: checking that they are whole, and blanking what is not the video.

Element layout: EBML (RFC 8794) and Matroska (RFC 9559). An element is an id, a size, its payload;
id and size have lengths written into their first byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_DOCTYPE, _INFO, _TRACKS, _TRACK, _TRACK_TYPE = 0x4282, 0x1549A966, 0x1654AE6B, 0xAE, 0x83
_TRACK_NUMBER, _TRACK_UID = 0xD7, 0x73C5
_VOID, _CHECKSUM = 0xEC, 0xBF
_CONTAINERS = {_SEGMENT, _INFO, _TRACKS, _TRACK}
_METADATA = {
    0x1254C367,  # Tags
    0x1941A469,  # Attachments
    0x1043A770,  # Chapters
    0x7BA9,  # Title
    0x7384,  # SegmentFilename
    0x3C83AB,  # PrevFilename
    0x3E83BB,  # NextFilename
    0x4461,  # DateUTC
    0x73A4,  # SegmentUUID
    0x536E,  # Name of a track
    0x258688,  # CodecName
    _CHECKSUM,  # of a parent that changes
    _VOID,
}
_NAMED_TOOLS = {0x4D80, 0x5741}  # MuxingApp and WritingApp must be there: blanked, not removed
_VIDEO_TRACK = 1


@dataclass(frozen=True)
class _Element:
    """An element in a file: where it starts, where its payload starts, where it ends, in bytes."""

    id: int
    start: int
    payload: int
    end: int


def strip(data: bytearray) -> None:
    """Blank metadata, dates and names in place; the length stays.

    Raises:
        ValueError: the elements do not fill the file exactly, or there is no video in it.
    """
    top = list(_elements(data, 0, len(data)))
    if len(top) < 2 or top[0].id != _EBML or top[1].id != _SEGMENT:
        raise ValueError("it does not consist of a header and a segment")
    if _payload_of(data, top[0], _DOCTYPE).rstrip(b"\0") != b"webm":
        raise ValueError("it is a Matroska file, not a WebM")
    met = _blank(data, top[1].payload, top[1].end)
    if _CLUSTER not in met:
        raise ValueError("the frames (Cluster) are missing")
    if _TRACK_TYPE not in met:
        raise ValueError("no track of it is a video")


def _blank(data: bytearray, start: int, end: int) -> set[int]:
    """Blank the elements of a range; return the ids met, TrackType only where it says video."""
    met: set[int] = set()
    for element in _elements(data, start, end):
        if element.id in _METADATA:
            _make_void(data, element)
        elif element.id in _CONTAINERS:
            if element.id == _TRACK:
                _renumber(data, element)
            met |= _blank(data, element.payload, element.end)
        elif element.id in _NAMED_TOOLS:
            data[element.payload : element.end] = bytes(element.end - element.payload)
        is_other_track = element.id == _TRACK_TYPE and (
            int.from_bytes(data[element.payload : element.end], "big") != _VIDEO_TRACK
        )
        if not is_other_track:
            met.add(element.id)
    return met


def _elements(data: bytearray, start: int, end: int) -> Iterator[_Element]:
    at = start
    while at < end:
        id_length = _length(data, at, 4)
        size_at = at + id_length
        size_length = _length(data, size_at, 8)
        payload = size_at + size_length
        identity = int.from_bytes(data[at:size_at], "big")
        size = int.from_bytes(data[size_at:payload], "big") - (1 << 7 * size_length)
        if size == (1 << 7 * size_length) - 1:
            # a live recording: a segment lasts to the end, a cluster's children count as siblings
            size = end - payload if identity == _SEGMENT else 0
        if payload > end or payload + size > end:
            raise ValueError(f"the element at byte {at} does not end inside the file")
        yield _Element(identity, at, payload, payload + size)
        at = payload + size


def _length(data: bytearray, at: int, longest: int) -> int:
    """Length of the id or size that starts here, from the leading zeros of its first byte."""
    first = data[at] if at < len(data) else 0
    length = 9 - first.bit_length()
    if length > longest:
        raise ValueError(f"byte {at} starts no element")
    return length


def _payload_of(data: bytearray, parent: _Element, wanted: int) -> bytes:
    for element in _elements(data, parent.payload, parent.end):
        if element.id == wanted:
            return bytes(data[element.payload : element.end])
    return b""


def _renumber(data: bytearray, track: _Element) -> None:
    """Make the random unique id of a track its number in the file."""
    number = _payload_of(data, track, _TRACK_NUMBER)
    for element in _elements(data, track.payload, track.end):
        if element.id == _TRACK_UID:
            length = element.end - element.payload
            data[element.payload : element.end] = number.rjust(length, b"\0")[-length:]


def _make_void(data: bytearray, element: _Element) -> None:
    """Void is the padding of EBML: id 0xEC, a size of 1 or 8 bytes, zeros."""
    total = element.end - element.start
    is_short = total < 10
    size = bytes([0x80 | (total - 2)]) if is_short else (1 << 56 | (total - 9)).to_bytes(8, "big")
    head = bytes([_VOID]) + size
    data[element.start : element.end] = head + bytes(total - len(head))
