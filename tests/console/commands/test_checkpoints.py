"""Checkpoints on the command line: in use, back again, and compared by their answers."""

from __future__ import annotations

import csv
import getpass
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Pairwright = Callable[..., Any]


@pytest.fixture
def rounds(maker: Any, pairwright: Pairwright) -> Pairwright:
    """The command line, on a workspace with the checkpoints one and two."""
    maker.checkpoint("one")
    maker.checkpoint("two", parent="c-one")
    return pairwright


def test_a_checkpoint_in_use_is_marked_in_list_and_show(rounds: Pairwright) -> None:
    ended = rounds("checkpoint", "activate", "one", "--reason", "first", "--json")
    assert ended.code == 0
    assert (ended.result["name"], ended.result["kind"], ended.result["previous"]) == (
        *("one", "activate", None),
    )
    assert (ended.result["actor"], ended.result["reason"]) == (getpass.getuser(), "first")
    listed = rounds("checkpoint", "list", "--json").result["checkpoints"]
    assert {row["name"]: row["active"] for row in listed} == {"one": True, "two": False}
    assert "in use" in rounds("checkpoint", "show", "one").out
    assert "in use" not in rounds("checkpoint", "show", "two").out


def test_show_tells_folder_and_digest_for_deployment(rounds: Pairwright, maker: Any) -> None:
    shown = rounds("checkpoint", "show", "two", "--json").result
    assert shown["folder"] == str(maker.workspace.home / "checkpoints" / "c-two")
    assert len(shown["sha256"]) == 64
    assert shown["sha256"] != rounds("checkpoint", "show", "one", "--json").result["sha256"]
    assert shown["lineage"] == ["one", "two"]


def test_rollback_goes_back_and_says_who(rounds: Pairwright) -> None:
    for name in ("one", "two"):
        rounds("checkpoint", "activate", name)
    ended = rounds("checkpoint", "rollback", "--by", "ana", "--reason", "worse", "--json")
    assert (ended.result["name"], ended.result["actor"], ended.result["reason"]) == (
        *("one", "ana", "worse"),
    )
    ended = rounds("checkpoint", "rollback")
    assert ended.code == 1
    assert "nothing to go back to" in ended.err


def test_an_unknown_checkpoint_is_answered_with_the_nearest(rounds: Pairwright) -> None:
    ended = rounds("checkpoint", "activate", "tow")
    assert ended.code == 1
    assert "The nearest is 'two'" in ended.err


@pytest.fixture
def answered(rounds: Pairwright, maker: Any) -> Pairwright:
    maker.answer("c-one", {"How many?": "I see two stars.", "Which?": "Blue."})
    maker.answer("c-two", {"How many?": "I see three stars.", "Which?": "Blue.", "Why?": "So."})
    maker.answer("c-one", {"Is it?": "Yes."}, category="negation")
    maker.answer("c-two", {"Is it?": "No."}, category="negation")
    return rounds


def test_diff_shows_changed_answers_and_counts_them_by_category(answered: Pairwright) -> None:
    ended = answered("checkpoint", "diff", "one", "two", "--json")
    found = ended.result
    assert (found["prompts"], found["changed"], found["only_left"], found["only_right"]) == (
        *(3, 2, 0, 1),
    )
    counts = [
        (line["category"], line["undecided"], line["unchanged"]) for line in found["categories"]
    ]
    assert counts == [("all", 2, 1), ("counting", 1, 1), ("negation", 1, 0)]
    differences = {row["question"]: row["difference"] for row in found["answers"]}
    assert differences == {
        "How many?": "I see [-two-]{+three+} stars.",
        "Is it?": "[-Yes.-]{+No.+}",
    }
    words = answered("checkpoint", "diff", "one", "two").out
    assert "difference: I see [-two-]{+three+} stars." in words


def test_diff_can_be_narrowed_to_a_category_a_sample_or_a_prompt(answered: Pairwright) -> None:
    diff = ("checkpoint", "diff", "one", "two", "--json")
    assert answered(*diff, "--category", "negation").result["prompts"] == 1
    found = answered(*diff, "--sample", 1).result
    assert (found["changed"], len(found["answers"])) == (2, 1)
    same = next(row for row in answered(*diff, "--sample", 9).result["answers"] if row["category"])
    [row] = answered(*diff, "--prompt", same["prompt"]).result["answers"]
    assert row == same
    ended = answered(*diff, "--category", "no-such")
    assert ended.code == 1
    assert "pairwright sample" in ended.result["error"]["next"]


def test_what_is_right_tells_fixed_from_broken_and_the_rest_becomes_a_blind_batch(
    answered: Pairwright, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.jsonl"
    line = {"messages": [{"role": "user", "content": "Is it?"}], "reference": "Yes."}
    truth.write_text(json.dumps({**line, "category": "negation"}) + "\n")
    assert answered("checkpoint", "references", truth, "--json").result["added"] == 1
    diff = ("checkpoint", "diff", "one", "two")
    ended = answered(*diff, "--json", "--export", tmp_path / "out.csv", "--collect", "rest")
    assert [row["outcome"] for row in ended.result["answers"]] == ["broken", "undecided"]
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert [row["decided_by"] for row in written] == ["reference", "", "same answer"]
    assert answered("batch", "show", "rest", "--json").result["pairs"] == 1
    assert answered(*diff, "--export", tmp_path / "out.txt").code == 1
    assert "1 by reference" in answered(*diff).err


def test_diff_with_something_that_answered_nothing_names_the_command(
    answered: Pairwright,
) -> None:
    ended = answered("checkpoint", "diff", "one", "tiny")
    assert ended.code == 1
    assert "pairwright sample --prompts FILE --from tiny" in ended.err


def test_two_answers_need_a_batch_and_one_needs_none(rounds: Pairwright, records: Any) -> None:
    sample = ("sample", "--prompts", records, "--from", "one")
    assert rounds(*sample).code == 2
    assert rounds(*sample, "--set", "answers=3").code == 2
    ended = rounds(*sample, "--set", "answers=1", "--set", "temperature=0", "--json")
    assert (ended.code, ended.result["state"]) == (0, "queued")
