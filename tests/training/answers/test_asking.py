"""Pictures and templates become prompts; what cannot be used is counted before anything waits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storage import models
from storage.errors import NotFoundError, WrongInputError
from storage.workspace import Workspace
from training.answers import asking, prompts
from training.answers.asking import Template
from training.jobs import preparation
from training.jobs.folder import JobFolder


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """Two pictures, one of them twice; a torn one, a text named like one, and a link out."""
    folder = tmp_path / "shown"
    (folder / "deep").mkdir(parents=True)
    Image.new("RGB", (8, 6), (255, 0, 0)).save(folder / "red.png")
    Image.new("RGB", (8, 6), (0, 0, 255)).save(folder / "deep" / "blue.webp", lossless=True)
    (folder / "zz-again.png").write_bytes((folder / "red.png").read_bytes())
    (folder / "torn.png").write_bytes((folder / "red.png").read_bytes()[:40])
    (folder / "text.jpg").write_text("no picture", encoding="utf-8")
    (folder / "notes.txt").write_text("not looked at", encoding="utf-8")
    Image.new("RGB", (8, 6), (0, 9, 0)).save(tmp_path / "secret.png")
    (folder / "out.png").symlink_to(tmp_path / "secret.png")
    return folder


QUESTIONS = asking.of_text("counting: How many?\n\nWhat colour is <image> here?\nNote: a: b?\n")


def test_a_template_is_a_line_with_an_optional_category_and_one_picture() -> None:
    expected = [
        Template("<image>How many?", "counting"),
        Template("What colour is <image> here?"),
        Template("<image>a: b?", "Note"),
    ]
    assert expected == QUESTIONS
    (plain,) = asking.of_text("Is this true: yes or no?")
    assert plain == Template("<image>Is this true: yes or no?")


def test_templates_of_objects_may_have_a_system_turn(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "Why?", "system": "Be brief.", "category": "why"}\n', "utf-8")
    assert asking.read_templates(path) == [Template("<image>Why?", "why", "Be brief.")]
    (tmp_path / "t.txt").write_text("Why?\n", "utf-8")
    assert asking.read_templates(tmp_path / "t.txt") == [Template("<image>Why?")]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t.jsonl", b"{", "Not valid JSON"),
        ("t.jsonl", b'{"text": 3}', "Line 1 of the templates"),
        ("t.jsonl", b'{"text": "a", "category": 3}', "is no text"),
        ("t.txt", b"fine\n<image> and <image>\n", "Line 2 of the templates: A template shows one"),
        ("t.txt", b"\n", "There are 0 templates"),
        ("t.txt", b"\xff\xfe", "no text in UTF-8"),
    ],
)
def test_what_is_no_template_is_named(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WrongInputError, match=what):
        asking.read_templates(tmp_path / name)


def test_broken_pictures_doubles_and_links_out_are_counted_and_left_out(shown: Path) -> None:
    looked = asking.look(shown)
    assert list(looked.names) == ["deep/blue.webp", "red.png"]
    assert sorted(one.name for one in looked.broken) == ["out.png", "text.jpg", "torn.png"]
    assert all(one.reason for one in looked.broken)
    assert looked.twice == 1


def test_videos_are_asked_about_like_pictures(tmp_path: Path, world: Any) -> None:
    (tmp_path / "two").mkdir()
    video = world.video_file([(250, 10, 10)])
    for name in ("a.mp4", "again.m4v"):
        (tmp_path / "two" / name).write_bytes(video)
    (tmp_path / "two" / "torn.mp4").write_bytes(video[:-30])
    Image.new("RGB", (8, 6), (255, 0, 0)).save(tmp_path / "two" / "red.png")
    looked = asking.look(tmp_path / "two")
    assert (looked.names, looked.videos, looked.twice) == (["a.mp4", "red.png"], 1, 1)
    assert [one.name for one in looked.broken] == ["torn.mp4"]
    first, second = asking.prepare(looked, QUESTIONS[1:2]).prompts
    assert first["messages"][0]["content"] == "What colour is <video> here?"
    assert (first["videos"], second["images"]) == (["a.mp4"], ["red.png"])


def test_a_folder_without_a_usable_picture_is_refused(tmp_path: Path, shown: Path) -> None:
    with pytest.raises(NotFoundError, match="no folder"):
        asking.look(tmp_path / "none")
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "x.png").write_bytes(b"")
    with pytest.raises(WrongInputError, match=r"no picture or video that can be used \(1 cannot\)"):
        asking.look(tmp_path / "only")


def test_drawn_templates_depend_on_the_picture_and_the_seed_alone(shown: Path) -> None:
    looked = asking.look(shown)
    every = asking.prepare(looked, QUESTIONS)
    assert [one["id"] for one in every.prompts] == [
        f"{name}#{number}" for name in ("deep/blue.webp", "red.png") for number in (1, 2, 3)
    ]
    assert every.counts()["prompts"] == 6
    one_each = [asking.prepare(looked, QUESTIONS, 1, seed).prompts for seed in range(12)]
    assert all(len(drawn) == 2 for drawn in one_each)
    assert len({json.dumps(drawn) for drawn in one_each}) > 2
    assert asking.prepare(looked, QUESTIONS, 1, 5).prompts == one_each[5]
    for wanted in (0, 4):
        with pytest.raises(WrongInputError, match="use 1 to 3"):
            asking.prepare(looked, QUESTIONS, wanted)


def test_more_prompts_than_memory_holds_are_refused_before_they_are_made(shown: Path) -> None:
    looked = replace(asking.look(shown), names=["red.png"] * 2_000)
    with pytest.raises(WrongInputError, match="would be 2,000,000 prompts; at most 1,000,000"):
        asking.prepare(looked, QUESTIONS[:1] * 1_000)


def test_the_job_reads_the_prompts_with_the_pictures_where_they_are(
    workspace: Workspace, shown: Path, tmp_path: Path
) -> None:
    model = tmp_path / "tiny"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    with workspace.ledger.write() as tx:
        models.add(tx, "tiny", str(model))
    prepared = asking.prepare(asking.look(shown), QUESTIONS)
    jobs = [
        asking.submit(workspace, prepared, start_from="tiny", batch=batch)
        for batch in ("one", "two")
    ]
    assert jobs[0].spec["prompts"] == jobs[1].spec["prompts"]
    assert jobs[0].spec["prepared"] == prepared.counts()
    run = preparation.make_ready(workspace, jobs[0], JobFolder(workspace.jobs_folder / jobs[0].id))
    assert run.prompts is not None
    assert run.pictures_root is not None
    read = prompts.read(Path(run.prompts), Path(run.pictures_root))
    assert len(read) == 6
    assert read[0].turns[0].parts[0].media == str(shown / "deep" / "blue.webp")
    assert (read[0].category, read[1].category) == ("counting", "")
