"""Contradictions, answers nearly alike, and prompts on both sides of the split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rounds.readiness import texts
from rounds.readiness.finding import BLOCKING, WARNING, Finding
from storage.rows import DatasetRow

MakeRow = Callable[..., DatasetRow]


def by_code(rows: Sequence[DatasetRow]) -> dict[str, Finding]:
    return {finding.code: finding for finding in texts.check(rows)}


def test_rows_that_differ_in_everything_are_fine(row: MakeRow) -> None:
    rows = [
        row("What is left of the house?", "A tall tree.", "Nothing is there."),
        row("How many circles are there?", "There are four.", "I see seven.", split="holdout"),
    ]
    assert by_code(rows) == {}


def test_a_row_that_another_contradicts_blocks_in_whatever_case_it_is_written(row: MakeRow) -> None:
    rows = [
        row("How many circles?", "Two circles.", "Nine of them."),
        row("How many circles?", "nine  of them.", "Two circles."),
        row("How many circles?", "TWO circles.", "Nine of them."),
    ]
    found = by_code(rows)
    assert (found["conflicts"].level, found["conflicts"].count) == (BLOCKING, 3)
    assert (found["duplicates"].level, found["duplicates"].count) == (WARNING, 1)


def test_equal_close_and_trivial_answers_are_told_apart(row: MakeRow) -> None:
    long = "The picture shows a red circle beside a blue square on a white ground, nothing else"
    rows = [
        row("One?", "It is red.", "it is  red."),
        row("Two?", long, long.replace("red", "reds")),
        row("Three?", long, "No."),
        row("Four?", "It is red.", "It is green."),
    ]
    found = by_code(rows)
    assert found["equal"].examples == (rows[0].pair_id,)
    assert found["close"].examples == (rows[1].pair_id,)
    assert found["trivial"].examples == (rows[2].pair_id,)
    assert found["equal"].level == BLOCKING


def test_a_prompt_on_both_sides_blocks_and_one_much_like_it_is_told(row: MakeRow) -> None:
    asked = "Describe in one sentence what the worker in the yellow jacket is doing with the crane"
    rows = [
        row(asked, "Lifting.", "Sleeping there."),
        row(asked, "Loading.", "Nothing at all.", split="holdout"),
        row(asked + " now", "Working.", "Who knows that.", split="holdout"),
        row("Is the street wet?", "Yes, it is.", "Never.", split="holdout"),
    ]
    found = by_code(rows)
    assert (found["leakage"].level, found["leakage"].examples) == (BLOCKING, (rows[1].pair_id,))
    assert found["near_leakage"].examples == (rows[2].pair_id,)


def test_the_same_question_about_another_picture_is_no_leak(row: MakeRow) -> None:
    asked = "Describe in one sentence what the worker in the yellow jacket is doing"
    rows = [
        row(asked, "Lifting.", "Sleeping there.", picture="a" * 64),
        row(asked, "Loading.", "Nothing at all.", split="holdout", picture="b" * 64),
    ]
    assert by_code(rows) == {}
