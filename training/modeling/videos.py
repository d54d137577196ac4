"""Frames of videos as pictures: decoded once, kept in a folder that anybody may delete. No torch.

A frame is named by its video and the moment it is shown, `VIDEO@MICROSECONDS`, so that its name
stands for its pixels wherever pictures are remembered by their names.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from PIL import Image

from storage import identity, pictures
from storage.errors import NotFoundError, WrongInputError
from storage.footage import decoding
from storage.footage.sampling import Sampling
from training.modeling.scaling import shrink

FOLDER = "frames"
BROKEN = "has a video that cannot be decoded"
NO_PYAV = "has a video, and PyAV is not installed (pip install 'pairwright[video]')"
_NAME = re.compile(r"([0-9a-f]{64})@([0-9]{1,15})")
_FACTS = "clip.json"
_FAST = 1  # zlib level: frames are read again soon


class BrokenVideoError(WrongInputError):
    """A video of which there are no frames. `what` is the same for all; `why` is its own."""

    def __init__(self, video: str, why: str) -> None:
        super().__init__(NO_PYAV if why.startswith(decoding.MISSING) else BROKEN)
        self.video = video
        self.why = why


@dataclass(frozen=True)
class Clip:
    """What is shown of a video.

    Attributes:
        frames: their names, in order; at least one.
        times: when each is shown, in seconds from the first frame of the video.
        seconds: length of the whole video.
    """

    frames: tuple[str, ...]
    times: tuple[float, ...]
    seconds: float


class VideoSettings(Protocol):
    """The settings of any job that looks at videos."""

    @property
    def video_frames(self) -> int: ...
    @property
    def video_fps(self) -> float | None: ...
    @property
    def max_pixels(self) -> int | None: ...


class Videos:
    """The frames of videos that were asked for, below a folder."""

    def __init__(self, cache: Path, wanted: Sampling, max_pixels: int | None = None) -> None:
        """Frames larger than `max_pixels` are scaled down before they are kept."""
        told = [wanted.most, wanted.per_second, max_pixels]
        self._folder = cache / FOLDER / identity.digest(told)
        self._wanted = wanted
        self._max_pixels = max_pixels
        self._openers: dict[str, Callable[[], BinaryIO]] = {}
        self._broken: dict[str, str] = {}

    def clip(self, video: str, opening: Callable[[], BinaryIO]) -> Clip:
        """The frames of the video with this id (64 hexadecimal digits), whose bytes `opening`
        gives.

        Raises:
            BrokenVideoError: there are none.
        """
        self._openers[video] = opening
        return self._kept(video) or self._decoded(video)

    def open(self, name: str) -> Image.Image | None:
        """The frame with this name; None for a name that is none of a frame."""
        found = _NAME.fullmatch(name)
        if found is None or found.group(1) not in self._openers:
            return None
        path = self._place(found.group(1)) / f"{found.group(2)}.png"
        try:
            return pictures.open_picture(path.read_bytes())
        except (OSError, WrongInputError):
            # somebody emptied the folder, or the disk lost it
            shutil.rmtree(path.parent, ignore_errors=True)
            self._decoded(found.group(1))
            return pictures.open_picture(path.read_bytes())

    def _place(self, video: str) -> Path:
        return self._folder / video[:2] / video

    def _kept(self, video: str) -> Clip | None:
        place = self._place(video)
        try:
            told = json.loads((place / _FACTS).read_bytes())
            moments, seconds = [int(one) for one in told["moments"]], float(told["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not moments or not all((place / f"{one}.png").is_file() for one in moments):
            return None
        return _clip(video, moments, seconds)

    def _decoded(self, video: str) -> Clip:
        if video in self._broken:
            raise BrokenVideoError(video, self._broken[video])
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f".{uuid.uuid4().hex}"
        temporary.mkdir()
        try:
            clip = self._write(video, temporary)
            self._put(video, temporary)
        except (WrongInputError, NotFoundError) as problem:
            self._broken[video] = problem.what
            raise BrokenVideoError(video, problem.what) from problem
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return clip

    def _put(self, video: str, made: Path) -> None:
        """Give what was made its name, unless another process was first with the same frames."""
        place = self._place(video)
        if self._kept(video) is not None:
            return
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(exist_ok=True)
        try:
            made.rename(place)
        except OSError:
            if self._kept(video) is None:
                raise

    def _write(self, video: str, folder: Path) -> Clip:
        moments, seconds = list[int](), 0.0
        with self._openers[video]() as file:
            for frame in decoding.frames(file, self._wanted):
                small = shrink(frame.picture, self._max_pixels)
                small.save(folder / f"{frame.microseconds}.png", "PNG", compress_level=_FAST)
                moments.append(frame.microseconds)
                seconds = frame.seconds
        told = {"moments": moments, "seconds": seconds}
        (folder / _FACTS).write_text(json.dumps(told), encoding="utf-8")
        return _clip(video, moments, seconds)


def of_job(cache: Path, settings: VideoSettings) -> Videos:
    """The frames that the settings of a job ask for."""
    wanted = Sampling(settings.video_frames, settings.video_fps)
    return Videos(cache, wanted, settings.max_pixels)


def _clip(video: str, moments: list[int], seconds: float) -> Clip:
    names = tuple(f"{video}@{one}" for one in moments)
    return Clip(names, tuple(one / 10**6 for one in moments), seconds)
