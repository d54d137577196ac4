"""Commands about pairs of models' own answers: prepare, sample, ab, judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from console.demo import world

Pairwright = Callable[..., Any]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        Image.new("RGB", (8, 8), (number * 90, 0, 0)).save(folder / f"{number}.png")
    (folder / "torn.png").write_bytes(b"\x89PNG")
    (tmp_path / "t.txt").write_text("counting: How many?\nWhat is it?\n", encoding="utf-8")
    return folder


def test_prepare_tries_first_and_then_queues_what_it_counted(
    imported: Pairwright, pictures: Path, tmp_path: Path
) -> None:
    paths = ("--pictures", pictures, "--templates", tmp_path / "t.txt")
    words = ("prepare", *paths, "--from", world.MODEL)
    tried = imported(*words, "--dry-run", "--json").result
    assert (tried["pictures"], tried["broken"], tried["prompts"]) == (2, 1, 4)
    assert tried["broken_files"][0]["name"] == "torn.png"
    assert imported("job", "list", "--json").result == {"jobs": []}
    assert imported(*words).code == 2
    told = (*words, "--batch", "fresh", "--per-picture", 1, "--json")
    job = imported(*told).result["job"]
    spec = imported("job", "show", job, "--json").result["spec"]
    assert spec["prepared"]["prompts"] == 2
    assert (spec["batch"], spec["pictures_root"]) == ("fresh", str(pictures))
    ended = imported(*words, "--batch", "x", "--set", "answers=1")
    assert (ended.code, "two answers" in ended.err) == (2, True)


def test_sample_with_two_models_asks_each_for_one_answer(
    imported: Pairwright, tmp_path: Path
) -> None:
    (tmp_path / "p.jsonl").write_text('{"messages": []}\n', encoding="utf-8")
    imported("model", "add", "tiny", world.MODEL)
    words = ("sample", "--prompts", tmp_path / "p.jsonl", "--from", world.MODEL, "--from", "tiny")
    assert imported(*words).code == 2
    job = imported(*words, "--batch", "ab", "--json").result["job"]
    spec = imported("job", "show", job, "--json").result["spec"]
    assert [one["name"] for one in spec["rivals"]] == ["tiny"]
    assert spec["settings"]["answers"] == 1
    twice = imported(*words, "--from", "tiny", "--batch", "ab")
    assert (twice.code, "'tiny' is named twice" in twice.err) == (1, True)


def test_ab_says_how_to_make_a_test_where_there_is_none(imported: Pairwright) -> None:
    ended = imported("ab")
    assert ended.code == 1
    assert "pairwright sample --prompts FILE --from X --from Y" in ended.err


def test_judge_queues_an_address_without_its_key(
    imported: Pairwright, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JUDGE_API_KEY", "sk-canary")
    words = ("judge", "--batch", "first", "--judge", "https://judge.example/v1", "--model", "m")
    ended = imported(*words, "--set", "tries=2", "--json")
    assert ended.code == 0
    shown = imported("job", "show", ended.result["job"], "--json")
    told = shown.result["spec"]["judge"]
    assert (told["name"], told["address"]) == ("m", "https://judge.example/v1")
    assert "sk-canary" not in shown.out
    wrong = imported(*words, "--set", "trys=2")
    assert "The nearest is tries" in wrong.err
    assert imported(*words, "--instructions", tmp_path / "none.txt").code == 1


def test_agreement_lists_judges_beside_the_annotators(imported: Pairwright) -> None:
    assert imported("agreement", "--json").result["judges"] == []
