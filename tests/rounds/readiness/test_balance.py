"""Sizes, held-out rows, categories and length of a version as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from rounds.readiness import balance
from rounds.readiness.finding import BLOCKING
from storage.rows import DatasetRow

MakeRow = Callable[..., DatasetRow]


@pytest.fixture
def many(row: MakeRow) -> Callable[..., list[DatasetRow]]:
    """`many(200, category="counting")`: rows whose answers are equally long."""

    def make(count: int, start: int = 0, **more: str) -> list[DatasetRow]:
        numbers = range(start, start + count)
        return [row(f"Question {n:06}?", f"yes {n:06}", f"not {n:06}", **more) for n in numbers]

    return make


def codes(rows: Sequence[DatasetRow]) -> list[str]:
    return [finding.code for finding in balance.check(rows)]


def test_a_round_of_rows_with_enough_held_out_is_fine(
    many: Callable[..., list[DatasetRow]],
) -> None:
    assert codes([*many(1000), *many(60, 1000, split="holdout")]) == []


@pytest.mark.parametrize(("count", "said"), [(40, "fewer than 100"), (400, "1,000 or more")])
def test_few_rows_are_told_with_their_number(
    many: Callable[..., list[DatasetRow]], count: int, said: str
) -> None:
    size, holdout = balance.check(many(count))
    assert (size.code, holdout.code) == ("size", "holdout")
    assert size.what.startswith(f"{count} rows")
    assert said in size.what


def test_more_rows_than_anybody_has_trained_on_are_told(
    many: Callable[..., list[DatasetRow]],
) -> None:
    (size, _) = balance.check(many(1) * 100_001)
    assert (size.code, size.what) == ("size", "100,001 rows to train on, more than 100,000")


def test_no_row_to_train_on_blocks(many: Callable[..., list[DatasetRow]]) -> None:
    (first, *_) = balance.check(many(60, split="holdout"))
    assert (first.code, first.level) == ("size", BLOCKING)


def test_a_small_category_and_one_that_is_never_trained_on_are_gaps(
    many: Callable[..., list[DatasetRow]],
) -> None:
    rows = [
        *many(1000, category="counting"),
        *many(30, 1000, category="spatial"),
        *many(60, 2000, category="negation", split="holdout"),
    ]
    small, missing = balance.check(rows)
    assert "spatial 30" in small.what
    assert missing.what.endswith("negation")


def test_a_version_where_the_longer_answer_wins_says_so(row: MakeRow) -> None:
    rows = [row(f"Question {n}?", f"It is {n}, surely.", f"No {n}") for n in range(1000)]
    held = [row(f"Held {n}?", "yes", "not", split="holdout") for n in range(60)]
    (found,) = balance.check([*rows, *held])
    assert found.code == "length_bias"
    assert "longer answer is chosen in 100% of 1,000 rows" in found.what
