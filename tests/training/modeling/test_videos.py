"""Videos in training: frames as pictures, the same ones every time, and nothing lost silently."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from storage import pictures as stored_pictures
from storage import sampled_prompts
from storage import videos as stored_videos
from storage.errors import WrongInputError
from storage.rows import Part, Turn
from training.answers import sampling
from training.jobs.folder import JobFolder, RunSpec
from training.jobs.journal import Journal
from training.measuring import evaluation
from training.modeling import encoding, models, rows, sources, token_counter, videos
from training.modeling.encoding import Encoder
from training.modeling.sources import PictureSource
from training.modeling.token_lengths import Request
from training.runs import dpo, planning, sft
from training.settings.spec import DPOSpec

CPU = torch.device("cpu")
RED, GREEN, BLUE = (250, 10, 10), (10, 250, 10), (10, 10, 250)
MakeJob = Callable[..., JobFolder]


def source_of(world: Any, **settings: Any) -> PictureSource:
    return sources.stored(world.store.url, world.home / "cache", DPOSpec(**settings))


@pytest.fixture
def source(world: Any) -> PictureSource:
    return source_of(world, video_frames=4)


@pytest.fixture
def encoder(tiny_vlm: Path, source: PictureSource) -> Encoder:
    return Encoder(models.load(str(tiny_vlm), device=CPU), source)


def frames_below(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.png"))


def notes_of(folder: JobFolder) -> str:
    return " ".join(Journal(folder).notes)


def test_a_video_is_its_frames_as_pictures_in_its_place(
    world: Any, examples: Any, encoder: Encoder, source: PictureSource
) -> None:
    video = world.video([RED, BLUE])
    pair = examples.pair("before {} after", "yes", "no", (GREEN,), video=video)
    (encoded,) = encoder.encode(rows.read(world.write([pair]))).pairs
    # 8 frames at 4 a second, cut into 4 parts of half a second
    times = (250_000, 750_000, 1_250_000, 1_750_000)
    assert encoded.prompt.images[1:] == tuple(f"{video}@{one}" for one in times)
    colours = [source.open(name).getpixel((9, 9)) for name in encoded.prompt.images[1:]]
    assert [int(np.argmax(colour)) for colour in colours] == [0, 0, 2, 2]


def test_the_model_gets_of_a_video_what_it_gets_of_its_frames_as_pictures(
    world: Any, examples: Any, encoder: Encoder, source: PictureSource
) -> None:
    video = world.video([RED, BLUE])
    (moving,) = encoder.encode(
        rows.read(world.write([examples.pair("what?", "yes", "no", video=video)]))
    ).pairs
    parts = [Part("text", "what?")]
    for name in moving.prompt.images:
        data = io.BytesIO()
        source.open(name).save(data, "PNG")
        media, stored = stored_pictures.normalize(data.getvalue())
        world.store.put(stored, media)
        parts.append(Part("image", media=media.id))
    still = encoder.prompt((Turn("user", tuple(parts)),))
    assert still.ids == moving.prompt.ids
    one, other = encoder.media([still]), encoder.media([moving.prompt])
    assert one["pixel_values"].shape[0] == 4
    assert torch.equal(one["pixel_values"], other["pixel_values"])


def test_a_video_is_decoded_once_for_all_jobs_and_again_when_its_frames_are_gone(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    true = videos.decoding.frames

    def counted(*given: Any) -> Any:
        decoded.append(1)
        return true(*given)

    monkeypatch.setattr(videos.decoding, "frames", counted)
    video = world.video([RED, GREEN])
    first = source_of(world, video_frames=2)
    clip = first.clip(video)
    pixels = [first.open(name).tobytes() for name in clip.frames]
    assert first.clip(video) == source_of(world, video_frames=2).clip(video) == clip
    assert len(decoded) == 1
    kept = frames_below(world.home / "cache")
    # one damaged, the other gone
    kept[0].write_bytes(kept[0].read_bytes()[:50])
    kept[1].unlink()
    assert [first.open(name).tobytes() for name in clip.frames] == pixels
    assert len(decoded) == 2
    shutil.rmtree(world.home / "cache")
    assert [first.open(name).tobytes() for name in clip.frames] == pixels


def test_other_settings_have_other_frames(world: Any) -> None:
    video = world.video([RED, GREEN, BLUE])
    clips = [
        source_of(world, **settings).clip(video)
        for settings in ({}, {"video_frames": 3}, {"video_fps": 1}, {"max_pixels": 256})
    ]
    assert [len(clip.frames) for clip in clips] == [8, 3, 3, 8]
    assert clips[1].times == (0.5, 1.5, 2.5)
    assert {clip.seconds for clip in clips} == {3.0}
    small = source_of(world, max_pixels=256)
    assert small.open(small.clip(video).frames[0]).size == (16, 16)


def moving_pairs(world: Any, examples: Any) -> list[Any]:
    """Which of two colours comes first? No single frame tells it, and no words do."""
    found = []
    for number in range(12):
        shade = 40 * (number % 4)
        red, blue = (250 - shade, 10, 10), (10, 10, 250 - shade)
        split = "train" if number % 4 < 2 else "holdout"
        for shown, answers in (([red, blue], ("red", "blue")), ([blue, red], ("blue", "red"))):
            video = world.video(shown, each=2)
            asked = f"No. {number}: what comes first?"
            found.append(examples.pair(asked, *answers, split=split, video=video))
    return found


def test_a_preference_about_the_order_of_frames_is_learned_and_needs_the_frames(
    world: Any, examples: Any, job: MakeJob
) -> None:
    pairs, told = moving_pairs(world, examples), {"video_frames": 2}
    folder = job(examples=pairs, epochs=10, learning_rate=1e-2, early_stop=False, **told)
    with_cache(folder, world)
    dpo.train(folder)
    result = folder.result()
    assert result is not None
    assert result.metrics["start_preference_accuracy"]["value"] < 1.0
    assert result.metrics["preference_accuracy"]["value"] == 1.0
    assert result.metrics["preference_accuracy"]["n"] == 12
    # two frames of eight different videos
    kept = frames_below(world.home / "cache")
    assert len(kept) == 16
    written = [path.stat().st_mtime_ns for path in kept]
    adapter = str(folder.path / str(result.checkpoint))
    measured = job("e1", examples=pairs, kind="evaluate", adapters=(adapter,), **told)
    with_cache(measured, world, blank_pictures=True)
    evaluation.evaluate(measured)
    again = measured.result()
    assert again is not None
    assert again.metrics["preference_accuracy"]["value"] == 1.0
    # both orders are the same grey
    assert again.metrics["blanked_preference_accuracy"]["value"] == 0.5
    assert again.metrics["blanked_preference_accuracy"]["n"] == 12
    assert [path.stat().st_mtime_ns for path in frames_below(world.home / "cache")] == written


def torn(video: bytes) -> bytes:
    """A video whose frames are nothing but ones."""
    damaged = bytearray(video)
    start = damaged.index(b"mdat") + 4
    size = int.from_bytes(damaged[start - 8 : start - 4], "big") - 8
    damaged[start : start + size] = b"\xff" * size
    return bytes(damaged)


def with_cache(folder: JobFolder, world: Any, **more: Any) -> None:
    spec = replace(folder.read_spec(), cache=str(world.home / "cache"), **more)
    folder.write_spec(spec)


def test_rows_whose_video_cannot_be_decoded_are_counted_and_named(
    world: Any, examples: Any, job: MakeJob
) -> None:
    media, data = stored_videos.normalize(torn(world.video_file([RED, BLUE])))
    world.store.put(data, media)
    asked = [
        examples.pair("which?", "red", "blue", video=world.video([RED, BLUE])),
        examples.pair("which?", "red", "blue", video=media.id),
        examples.pair("which?", "red", "blue", video="0" * 64),
        examples.pair("and this?", "red", "blue", video="0" * 64),
        examples.pair("words?", "yes", "no"),
    ]
    folder = job(examples=asked, stage="sft", epochs=1)
    sft.train(folder)
    notes = notes_of(folder)
    assert f"3 of the train pairs left out: {videos.BROKEN}." in notes
    assert f"{media.id[:12]} (" in notes
    assert f"{'0' * 12} (The bytes of media {'0' * 64} are not in " in notes
    result = folder.result()
    assert result is not None
    assert result.state == "succeeded"


def test_a_text_only_model_counts_videos_out_without_decoding_them(
    world: Any, examples: Any, tiny_text_model: Path
) -> None:
    loaded = models.load(str(tiny_text_model), device=CPU)
    found = rows.read(world.write([examples.pair("which?", "a", "b", video="0" * 64)]))
    encoded = Encoder(loaded, source_of(world)).encode(found)
    assert (encoded.counts, encoded.broken) == ({encoding.NO_VIDEOS: 1}, {})


def test_without_pyav_rows_with_videos_are_left_out_and_the_reason_says_what_to_install(
    world: Any, examples: Any, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(videos.decoding.importlib.util, "find_spec", lambda name: None)
    found = rows.read(world.write([examples.pair("?", "a", "b", video=world.video([RED]))]))
    assert encoder.encode(found).counts == {videos.NO_PYAV: 1}


def test_token_lengths_and_the_plan_count_the_frames(
    world: Any, examples: Any, job: MakeJob, tiny_vlm: Path
) -> None:
    pair = examples.pair("which?", "red", "blue", video=world.video([RED, BLUE], each=8))
    broken = examples.pair("which?", "red", "blue", video="0" * 64)
    dataset = world.write([pair, broken])
    cache = str(world.home / "cache")
    told = (dataset.version, dataset.digest, dataset.labels, world.store.url, cache)
    counted = token_counter._counted(Request(str(tiny_vlm), dataset.path, *told))
    ((known, tokens),) = counted["tokens"].items()
    # eight frames by default, four tokens each
    words = 1 + len("which?") + 1 + 1 + len("blue") + 1
    assert tokens == 8 * 4 + words
    ((name, why),) = counted["refused"].items()
    assert name != known
    assert why.startswith(f"{videos.BROKEN}: {'0' * 12} (")
    folder = job("planned", examples=[pair], kind="plan", video_frames=3)
    planning.make(folder)
    result = folder.result()
    assert result is not None
    assert result.metrics["lengths"]["pictures"] == 12
    assert result.metrics["lengths"]["longest"] == 12 + words


def test_answers_are_drawn_for_prompts_with_videos(
    world: Any, tiny_vlm: Path, tmp_path: Path
) -> None:
    (tmp_path / "clip.mp4").write_bytes(world.video_file([RED, BLUE]))
    Image.new("RGB", (9, 9), GREEN).save(tmp_path / "still.png")
    content = "<image>and <video>?"
    line = {"messages": [{"role": "user", "content": content}], "images": ["still.png"]}
    path = tmp_path / "prompts.jsonl"
    path.write_text(json.dumps({**line, "videos": ["clip.mp4"]}) + "\n", "utf-8")
    settings = {"max_new_tokens": 3, "video_frames": 2}
    folder = JobFolder(tmp_path / "job")
    spec = RunSpec("j", 1, "sample", settings, str(tiny_vlm), prompts=str(path))
    folder.write_spec(spec)
    sampling.sample(folder)
    (found,) = map(json.loads, folder.samples_file.read_text("utf-8").splitlines())
    assert len(found["answers"]) == 2
    read = sampled_prompts.PromptReader(tmp_path, world.store).prompt(found["prompt"])
    assert [one.kind for one in read.media] == ["picture", "video"]
    assert len(frames_below(folder.path / "cache")) == 2
    (tmp_path / "clip.mp4").write_bytes(torn(world.video_file([RED])))
    again = JobFolder(tmp_path / "again")
    again.write_spec(spec)
    with pytest.raises(WrongInputError, match=f"the prompt in line 1: {videos.BROKEN}: "):
        sampling.sample(again)
