"""Frames of videos: the same ones every time, as a browser shows them, and no way to do harm."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from storage import videos
from storage.errors import WrongInputError
from storage.footage import decoding, sampling
from storage.footage.decoding import Frame
from storage.footage.sampling import Sampling

Video = Callable[..., bytes]
KINDS = [("mp4", "mpeg4"), ("mp4", "libx264"), ("webm", "libvpx"), ("webm", "libvpx-vp9")]
# stored rotation of a phone held upright, as 16.16 numbers: 90 degrees clockwise
_UPRIGHT = b"".join(
    one.to_bytes(4, "big", signed=True)
    for one in (0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
)


def sampled(data: bytes, most: int = 8, per_second: float | None = None) -> list[Frame]:
    return list(decoding.frames(io.BytesIO(data), Sampling(most, per_second)))


def every_frame(data: bytes) -> list[Image.Image]:
    """All frames, decoded one after the other."""
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def long_video(times: list[int], **options: str) -> bytes:
    """A frame of noise at each of these tenths of a second; key frames are 8 frames apart."""
    random, data = np.random.default_rng(0), io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=10, options={"g": "8", **options})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10)
        for time in times:
            noise = random.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(noise, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return data.getvalue()


@pytest.mark.parametrize(("form", "codec"), KINDS)
def test_frames_are_those_in_the_middle_of_equal_parts_with_their_times(
    form: str, codec: str, video: Video
) -> None:
    _, stored = videos.normalize(video(form, codec))
    found, everything = sampled(stored, 5), every_frame(stored)
    assert [one.microseconds for one in found] == [100_000, 300_000, 500_000, 700_000, 900_000]
    assert {one.seconds for one in found} == {1.0}
    for one, number in zip(found, (1, 3, 5, 7, 9), strict=True):
        assert one.picture.tobytes() == everything[number].tobytes()
    again = sampled(stored, 5)
    assert [one.picture.tobytes() for one in again] == [one.picture.tobytes() for one in found]


@pytest.mark.parametrize(
    "options", [{"bf": "0"}, {"bf": "3"}, {"bf": "3", "x264-params": "open-gop=1"}]
)
def test_leaping_to_key_frames_gives_the_frames_of_decoding_all(options: dict[str, str]) -> None:
    data = long_video(list(range(60)), **options)
    everything = every_frame(data)
    for most in (1, 7):
        found = sampled(data, most)
        numbers = [60 * (2 * part + 1) // (2 * most) for part in range(most)]
        assert [one.microseconds for one in found] == [number * 100_000 for number in numbers]
        for one, number in zip(found, numbers, strict=True):
            assert one.picture.tobytes() == everything[number].tobytes()


def test_a_frame_that_is_shown_for_long_is_taken_once() -> None:
    data = long_video([0, 1, 2, 40, 41])
    found, everything = sampled(data, 4), every_frame(data)
    # in the middle of the first and of the other quarters of 4.2 seconds stands the third frame
    assert [one.microseconds for one in found] == [200_000]
    assert found[0].picture.tobytes() == everything[2].tobytes()
    assert len(sampled(data, 64)) == 5


@pytest.mark.parametrize(
    ("most", "per_second", "wanted"),
    [(8, None, 8), (100, 2.0, 16), (10, 2.0, 10), (10, 0.01, 1)],
)
def test_how_many_frames_follows_the_settings_and_the_video(
    most: int, per_second: float | None, wanted: int
) -> None:
    assert sampling.count(Fraction(8), Sampling(most, per_second)) == wanted


def test_a_video_of_a_phone_is_shown_upright(video: Video) -> None:
    data = bytearray(video("mp4", "mpeg4"))
    header = data.index(b"tkhd") + 4
    # version and flags, two dates, number, reserved, duration, then 16 bytes to the matrix
    data[header + 40 : header + 76] = _UPRIGHT
    _, stored = videos.normalize(bytes(data))
    flat = every_frame(stored)[5]
    (frame,) = sampled(stored, 1)
    assert (flat.size, frame.picture.size) == ((64, 48), (48, 64))
    assert frame.picture.tobytes() == flat.transpose(Image.Transpose.ROTATE_270).tobytes()


def test_pixels_that_are_not_square_become_square() -> None:
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        pixels = np.zeros((48, 32, 3), np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    (frame,) = sampled(data.getvalue(), 1)
    assert frame.picture.size == (64, 48)


def test_what_is_no_video_is_refused() -> None:
    with pytest.raises(WrongInputError, match="no MP4 or WebM"):
        sampled(b"#EXTM3U\nhttp://127.0.0.1/")


def test_an_error_while_a_video_is_decoded_is_told_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(b"x")
    with (
        path.open("rb") as file,
        pytest.raises(OSError, match="no more processes"),
        decoding._on_disk(file),
    ):
        raise OSError("no more processes")


def test_decoding_may_take_so_much_memory_and_no_more() -> None:
    small, few = long_video([0, 1]), 300 * 1024**2
    assert len(list(decoding.frames(io.BytesIO(small), Sampling(1), memory=few))) == 1
    with pytest.raises(WrongInputError, match="takes more memory"):
        list(decoding.frames(io.BytesIO(_big_video()), Sampling(1), memory=few))


def _big_video() -> bytes:
    """One frame of 32 megapixels, in a few kilobytes."""
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream: Any = container.add_stream("mpeg4", rate=1)
        stream.width, stream.height, stream.pix_fmt = 8000, 4000, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(8000, 4000, "yuv420p")))
        container.mux(stream.encode())
    return data.getvalue()


@pytest.mark.parametrize(("form", "codec"), KINDS[1:3])
def test_damaged_frames_are_an_error_or_frames_and_no_crash(
    form: str, codec: str, video: Video
) -> None:
    data = video(form, codec)
    random = np.random.default_rng(0)
    for _ in range(2):
        damaged = bytearray(data)
        for place in random.integers(100, len(data), 30):
            damaged[int(place)] = int(random.integers(256))
        found = 1
        with suppress(WrongInputError):
            found = len(sampled(bytes(damaged), 2))
        assert found in (1, 2)
