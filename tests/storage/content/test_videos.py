"""Videos keep their frames and lose their names; what is no whole MP4 or WebM is refused."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import av
import numpy as np
import pytest

from storage import videos
from storage.errors import WrongInputError

Video = Callable[..., bytes]
KINDS = [
    ("mp4", "mpeg4", {}),
    ("mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
    ("webm", "libvpx", {}),
    ("webm", "libvpx-vp9", {"live": "1"}),
]


def _frames(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data)) as container:
        return [np.asarray(f.to_ndarray()).tobytes() for f in container.decode(video=0)]


@pytest.mark.parametrize(("form", "codec", "options"), KINDS)
def test_frames_stay_while_titles_names_and_dates_vanish(
    form: str, codec: str, options: dict[str, str], video: Video
) -> None:
    data = video(form, codec, title="CANARY", **options)
    media, stored = videos.normalize(data)
    assert data.count(b"CANARY") >= 4
    assert b"CANARY" not in stored
    assert b"Lavf" not in stored
    with av.open(io.BytesIO(stored)) as container:
        assert "creation_time" not in {*container.metadata, *container.streams.video[0].metadata}
    assert _frames(stored) == _frames(data)
    assert len(_frames(stored)) == 10
    assert (media.kind, media.mime, media.size) == ("video", f"video/{form}", len(data))
    assert media.id == hashlib.sha256(stored).hexdigest()


@pytest.mark.parametrize(("form", "codec", "options"), KINDS)
def test_the_same_video_under_another_title_is_the_same_video(
    form: str, codec: str, options: dict[str, str], video: Video
) -> None:
    one, other = (video(form, codec, title=title, **options) for title in ("first", "other"))
    assert one != other
    assert videos.normalize(one) == videos.normalize(other)
    media, stored = videos.normalize(one)
    assert videos.normalize(stored) == (media, stored)


@pytest.mark.parametrize(("form", "codec", "options"), KINDS)
@pytest.mark.parametrize("missing", [1, 200])
def test_a_video_that_is_cut_off_is_refused(
    form: str, codec: str, options: dict[str, str], missing: int, video: Video
) -> None:
    data = video(form, codec, **options)
    with pytest.raises(WrongInputError, match="does not end inside the file"):
        videos.normalize(data[:-missing])


@pytest.mark.parametrize(
    ("form", "codec", "reason"),
    [("matroska", "libx264", "Matroska"), ("mov", "mpeg4", "QuickTime")],
)
def test_relatives_of_mp4_and_webm_are_named_and_refused(
    form: str, codec: str, reason: str, video: Video
) -> None:
    with pytest.raises(WrongInputError, match=reason):
        videos.normalize(video(form, codec))


def test_sound_alone_is_no_video() -> None:
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(WrongInputError, match="no track of it is a video"):
        videos.normalize(data.getvalue())


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x08ftyp",
        b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x04moov",
        b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08moov" * 40,
        b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\0moov" * 40 + b"\0\0\0\x08mdat",
        b"\x1aE\xdf\xa3",
        b"\x1aE\xdf\xa3\x80",
        b"\x1aE\xdf\xa3\x80\x18S\x80g\x80",
        b"\x1aE\xdf\xa3\x87\x42\x82\x84webm\x18S\x80g\x80",
        b"\x1aE\xdf\xa3" + b"\0" * 50,
    ],
)
def test_broken_structure_is_an_error_and_no_crash(data: bytes) -> None:
    with pytest.raises(WrongInputError, match="does not work as"):
        videos.normalize(data)


def test_other_files_are_no_videos() -> None:
    with pytest.raises(WrongInputError, match="no MP4 or WebM"):
        videos.normalize(b"RIFF\0\0\0\0AVI LIST")


@pytest.mark.parametrize(("form", "codec", "options"), KINDS)
def test_any_damage_in_the_structure_is_refused_or_harmless(
    form: str, codec: str, options: dict[str, str], video: Video
) -> None:
    data = video(form, codec, **options)
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(data)
        damaged[int(random.integers(len(data)))] = int(random.integers(256))
        try:
            stored = videos.normalize(bytes(damaged))[1]
        except WrongInputError:
            continue
        assert len(stored) == len(data)
