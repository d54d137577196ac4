"""The process that decodes a stranger's video: `python -m storage.footage.decoder REQUEST`.

The video is its standard input. It may use so much memory and time and no more, writes no file and
opens none, and says what it finds on standard output: a line of JSON for each frame, then the bytes
of its RGB pixels; at last `done`, or `failed`. What breaks it breaks nobody else.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError
from av.video.reformatter import Colorspace
from PIL import Image

from storage import confinement, pictures
from storage.footage import sampling
from storage.footage.sampling import Sampling

# of computing, for any video and for each MiB of it
SECONDS, SECONDS_PER_MIB = 60, 2
# demuxers by the kind of a file, so that no other one is ever tried
_FORMATS = {"MP4": "mp4", "WebM": "webm"}
# from this height on, a video that does not say its colours has those of HD (as browsers take it)
_HD = 720
_UNSTATED = 2
# pixels that are wider or narrower than this are a mistake of the file
_WIDEST = 4
_TOO_MUCH = "it takes more memory than it may"


class UndecodableError(Exception):
    """Why no frames can be had."""


@dataclass(frozen=True)
class Taken:
    """A frame upright in RGB, and when it is shown, in microseconds from the first frame."""

    microseconds: int
    picture: Image.Image


@dataclass(frozen=True)
class _Track:
    """What the packets of a video say: its time in ticks, and where decoding can begin."""

    start: int
    end: int
    keys: list[int]


def main() -> None:
    """Decode as the first argument asks."""
    request = json.loads(sys.argv[1])
    size = os.fstat(0).st_size
    confinement.confine(request["memory"], SECONDS + SECONDS_PER_MIB * size // 1024**2)
    wanted = Sampling(request["most"], request["per_second"])
    try:
        with os.fdopen(0, "rb") as file:
            for line in _told(file, request["kind"], wanted):
                _say(line)
        _say({"done": True})
    except UndecodableError as problem:
        _say({"failed": str(problem)})
    except MemoryError:
        _say({"failed": _TOO_MUCH})
    except (FFmpegError, ValueError, OverflowError, OSError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        lacks = getattr(problem, "errno", 0) == errno.ENOMEM
        _say({"failed": _TOO_MUCH if lacks else f"it is damaged ({str(reason)[:120]})"})


def decode(file: Any, kind: str, wanted: Sampling) -> Iterator[tuple[Fraction, Taken]]:
    """The frames of a video in order, each with the length of the video in seconds.

    Raises:
        UndecodableError: there is no picture in it, or one that is too large or has no time.
    """
    with av.open(file, mode="r", format=_FORMATS[kind]) as container:
        if not container.streams.video:
            raise UndecodableError("no track of it is a video")
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        _check_size(stream.codec_context.width, stream.codec_context.height)
        track = _track(container, stream)
        seconds = (track.end - track.start) * stream.time_base
        parts = sampling.count(seconds, wanted)
        times = sampling.moments(track.start, track.end - track.start, parts)
        last = None
        for frame in _shown_at(container, stream, times, track.keys):
            if frame.pts == last:
                continue
            last = frame.pts
            after = max(0, frame.pts - track.start) * stream.time_base
            yield seconds, Taken(round(after * 10**6), _upright(frame, stream))


def _told(file: Any, kind: str, wanted: Sampling) -> Iterator[Any]:
    for seconds, taken in decode(file, kind, wanted):
        width, height = taken.picture.size
        yield {
            "microseconds": taken.microseconds,
            "width": width,
            "height": height,
            "seconds": float(seconds),
        }
        yield taken.picture.tobytes()


def _track(container: Any, stream: Any) -> _Track:
    keys = list[int]()
    start = end = None
    for packet in container.demux(stream):
        if packet.pts is None or packet.is_discard:
            continue
        start = packet.pts if start is None else min(start, packet.pts)
        shown = packet.pts + max(1, packet.duration or 0)
        end = shown if end is None else max(end, shown)
        if packet.is_keyframe:
            keys.append(packet.pts)
    if start is None or end is None:
        raise UndecodableError("it has no frames with times")
    return _Track(start, end, sorted(keys) or [start])


class _Player:
    """Goes through the frames of a video; knows the last one shown and the next."""

    def __init__(self, container: Any, stream: Any) -> None:
        self._container, self._stream = container, stream
        self._frames: Iterator[Any] = iter(())
        self.shown: Any = None
        self.ahead: Any = None

    def begin(self, at: int) -> None:
        self._container.seek(at, stream=self._stream, backward=True)
        self._frames = self._container.decode(self._stream)
        self.shown = self.ahead = None

    def go_to(self, time: int) -> None:
        """Go on until the next frame is later than this."""
        while self.ahead is None or self.ahead.pts <= time:
            if self.ahead is not None:
                self.shown, self.ahead = self.ahead, None
            self.ahead = next(self._frames, None)
            if self.ahead is None:
                return
            if self.ahead.pts is None:
                raise UndecodableError("a frame of it has no time")

    @property
    def reached(self) -> int | None:
        found = self.ahead or self.shown
        return None if found is None else int(found.pts)


def _shown_at(container: Any, stream: Any, times: list[int], keys: list[int]) -> Iterator[Any]:
    """The frame that is shown at each of these times, which rise.

    Frames in between are decoded only as far as the next key frame before a time.
    """
    player = _Player(container, stream)
    for time in times:
        key = keys[max(0, bisect_right(keys, time) - 1)]
        if player.reached is None or player.reached < key:
            player.begin(key)
        player.go_to(time)
        led_astray = player.shown is None or player.shown.is_corrupt
        if led_astray and key != keys[0]:
            # the index led beyond the time, or to where decoding cannot begin
            player.begin(keys[0])
            player.go_to(time)
        found = player.shown or player.ahead
        if found is None:
            raise UndecodableError("none of its frames can be decoded")
        if found.is_corrupt:
            raise UndecodableError("a frame of it is damaged")
        _check_size(found.width, found.height)
        yield found


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= pictures.MOST_PIXELS:
        raise UndecodableError(f"its frames have {width} x {height} pixels")


def _upright(frame: Any, stream: Any) -> Image.Image:
    """The frame as a browser shows it: square pixels, turned as the file says."""
    more: dict[str, Any] = {}
    if frame.colorspace == _UNSTATED and frame.height >= _HD:
        more["src_colorspace"] = Colorspace.ITU709
    picture: Image.Image = frame.to_image(**more)
    aspect = stream.codec_context.sample_aspect_ratio or Fraction(1)
    if aspect != 1 and Fraction(1, _WIDEST) <= aspect <= _WIDEST:
        width = max(1, round(picture.width * aspect))
        _check_size(width, picture.height)
        picture = picture.resize((width, picture.height), Image.Resampling.LANCZOS)
    turns = round(frame.rotation / 90) % 4
    return picture.rotate(90 * turns, expand=True) if turns else picture


def _say(line: Any) -> None:
    out = sys.stdout.buffer
    out.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
