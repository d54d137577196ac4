"""Judges are shown the frames of a video in order, by an address and by a model here."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from training.jobs.folder import JobFolder
from training.judging import run
from training.modeling import videos

MakeJudging = Callable[..., JobFolder]
RED, BLUE = (250, 10, 10), (10, 10, 250)


@pytest.fixture
def asked(world: Any, examples: Any) -> list[Any]:
    """A pair about a video, and one about a video that is gone."""
    return [
        examples.pair("Which?", "Red, then blue.", "Blue", video=world.video([RED, BLUE])),
        examples.pair("And?", "No.", "Yes.", video="0" * 64),
    ]


def test_an_address_gets_the_frames_as_pictures(
    judge_server: Any, judging_job: MakeJudging, wire: Any, asked: list[Any]
) -> None:
    folder = judging_job(address=judge_server.url, pairs=asked, video_frames=2)
    run.judge(folder)
    first, second = wire.records(folder)
    assert (first["verdict"], second["verdict"]) == ("a", "")
    assert second["problem"] == videos.BROKEN
    content = judge_server.bodies[0]["messages"][0]["content"]
    sent = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    colours = []
    for url in sent:
        data = base64.b64decode(url.removeprefix("data:image/png;base64,"))
        colours.append(Image.open(io.BytesIO(data)).getpixel((9, 9)))
    (one, other) = colours
    assert (max(one) == one[0], max(other) == other[2]) == (True, True)


def test_a_model_here_judges_pairs_with_videos(
    judging_job: MakeJudging, wire: Any, asked: list[Any], tiny_vlm: Path
) -> None:
    folder = judging_job(model=tiny_vlm, pairs=asked, video_frames=2)
    run.judge(folder)
    first, second = wire.records(folder)
    assert first["verdict"] in ("a", "b", "tie")
    # a word, a letter or a mark is a token; each of two frames four
    assert first["tokens_in"] > 8
    assert second["problem"] == videos.BROKEN
