"""pairwright import of other tools' files: what it says it read, and how it is corrected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from console.commands import imports
from storage.imports import catalogue

Pairwright = Callable[..., Any]


def test_the_command_offers_every_format() -> None:
    [offered] = [part for part in get_args(imports.Format) if get_args(part)]
    assert set(get_args(offered)) == set(catalogue.NAMES)


def test_a_dry_run_says_format_columns_decisions_and_first_pairs(
    pairwright: Pairwright, tmp_path: Path
) -> None:
    pairwright("init")
    path = tmp_path / "table.csv"
    path.write_text("frage,answer1,answer2,winner,rater\nWas?,Tasse,Krug,b,ann\n")
    words = ("import", path, "--batch", "first", "--map", "prompt=frage", "--as", "votes")
    ended = pairwright(*words, "--dry-run")
    assert ended.code == 0
    assert "Format columns: columns are named with --map." in ended.out
    assert "prompt = frage" in ended.out
    assert "they would become votes of foreign annotators (1 added)" in ended.out
    assert "file:ann: second" in ended.out
    result = pairwright(*words, "--json").result
    assert (result["format"], result["taken_as"]) == ("columns", "votes")
    assert (result["votes"], result["decisions"]) == ({"added": 1}, {"preferred": 1})


def test_wrong_words_about_columns_are_refused(pairwright: Pairwright, tmp_path: Path) -> None:
    pairwright("init")
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"a": 1}) + "\n")
    for words, reason in (
        (("--map", "prompt"), "FIELD=COLUMN"),
        (("--winner-values", "x"), "not two winner values"),
        ((), "No format fits"),
    ):
        ended = pairwright("import", path, "--batch", "first", *words)
        assert ended.code == 1
        assert reason in ended.err


def test_votes_are_exported_with_a_manifest(pairwright: Pairwright, tmp_path: Path) -> None:
    pairwright("init")
    path = tmp_path / "table.csv"
    path.write_text("prompt,answer1,answer2,winner,rater\nWas?,Tasse,Krug,b,ann\n")
    pairwright("import", path, "--batch", "first", "--as", "votes")
    words = ("votes", "export", "--batch", "first", "--format", "csv", "--licence", "CC0")
    made = pairwright(*words, "--out", tmp_path / "v.csv", "--json").result
    assert made["counts"]["effective"] == 1
    assert "file:ann" in (tmp_path / "v.csv").read_text()
    assert json.loads(Path(made["manifest"]).read_text())["licence"] == "CC0"
    nearest = pairwright("votes", "export", "--batch", "frist", "--out", tmp_path / "w.csv")
    assert (nearest.code, "first" in nearest.err) == (1, True)
