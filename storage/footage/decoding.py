"""The other end of `storage.footage.decoder`: starts it, listens, and explains when it breaks."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

from PIL import Image

from storage import videos
from storage.errors import WrongInputError
from storage.footage.sampling import Sampling

COMMAND: Sequence[str] = (sys.executable, "-P", "-m", "storage.footage.decoder")
# bytes that decoding a video may take: frames of 40 megapixels, and those that others refer to
MEMORY = 3 * 1024**3
_LONGEST_LINE = 10_000
_HOW = "Save it again as an MP4 or WebM video that a browser plays, and import it again."
MISSING = "PyAV is not installed"


@dataclass(frozen=True)
class Frame:
    """A frame as a browser shows it.

    Attributes:
        microseconds: when it is shown, from the first frame of the video on.
        seconds: length of the whole video.
        picture: RGB.
    """

    microseconds: int
    seconds: float
    picture: Image.Image


def frames(file: BinaryIO, wanted: Sampling, memory: int = MEMORY) -> Iterator[Frame]:
    """The frames of a stored video that `wanted` asks for, in order, each of them once.

    The same bytes and the same `wanted` give the same frames. One is in memory at a time. The
    decoder is a process of its own with limits on memory and time.

    Raises:
        WrongInputError: no MP4 or WebM, damaged, too large, or PyAV is not installed.
    """
    if importlib.util.find_spec("av") is None:
        raise WrongInputError(f"{MISSING}.", "pip install 'pairwright[video]'")
    with _on_disk(file) as handle:
        kind = videos.kind_of(os.pread(handle, 64, 0))
        if kind is None:
            raise WrongInputError("It is no MP4 or WebM video by its content.", _HOW)
        asked = {"most": wanted.most, "per_second": wanted.per_second}
        yield from _listened(handle, {**asked, "kind": kind, "memory": memory})


def _listened(handle: int, request: dict[str, Any]) -> Iterator[Frame]:
    os.lseek(handle, 0, os.SEEK_SET)
    # only what is ours is started; what it says of itself goes nowhere but here
    process = subprocess.Popen(
        (*COMMAND, json.dumps(request)),
        stdin=handle,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        while line := process.stdout.readline(_LONGEST_LINE):
            said: dict[str, Any] = json.loads(line)
            if "done" in said:
                return
            if "failed" in said:
                raise WrongInputError(f"{_sentence(said['failed'])}.", _HOW)
            yield _frame(said, process.stdout)
        raise _broken(process.wait())
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _frame(said: dict[str, Any], stream: IO[bytes]) -> Frame:
    width, height = said["width"], said["height"]
    data = stream.read(3 * width * height)
    if len(data) < 3 * width * height:
        raise _broken(0)
    picture = Image.frombytes("RGB", (width, height), data)
    return Frame(said["microseconds"], said["seconds"], picture)


@contextmanager
def _on_disk(file: BinaryIO) -> Iterator[int]:
    """The handle of a file that another process can read and seek in."""
    try:
        handle = file.fileno()
    except OSError:
        # bytes in memory have none
        handle = None
    if handle is not None:
        yield handle
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        yield copy.fileno()


def _broken(code: int) -> WrongInputError:
    if -code == signal.SIGXCPU:
        return WrongInputError("Decoding it took more computing time than it may.", _HOW)
    return WrongInputError(f"Decoding it broke off (exit {code}).", _HOW)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
