"""Two dataset versions compared by their pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from storage import dataset_diff, prompts
from storage.rows import DatasetRow, Part, Turn


def row(number: int, category: str = "counting", split: str = "train") -> DatasetRow:
    prompt = prompts.build([Turn("user", (Part("text", f"Question {number}?"),))], category)
    return DatasetRow(
        pair_id=f"pair-{number}",
        prompt=prompt,
        chosen="yes",
        rejected="no",
        labels="consensus",
        votes=1,
        confidence=0.75,
        record_id="",
        split=split,
    )


def flipped(of: DatasetRow) -> DatasetRow:
    return replace(of, chosen=of.rejected, rejected=of.chosen)


def ids(rows: Iterable[Any]) -> list[str]:
    return [getattr(item, "after", item).pair_id for item in rows]


def test_the_same_rows_in_another_order_are_no_difference() -> None:
    rows = [row(1), row(2, "spatial", "holdout")]
    found = dataset_diff.compare(rows, rows[::-1])
    assert found.is_empty
    assert ids(found.unchanged) == ["pair-1", "pair-2"]


def test_added_removed_flipped_and_moved_pairs_are_told_apart() -> None:
    before = [row(1), row(2), row(3), row(4)]
    after = [row(2), flipped(row(3)), row(4, split="holdout"), row(5)]
    found = dataset_diff.compare(before, after)
    assert ids(found.added) == ["pair-5"]
    assert ids(found.removed) == ["pair-1"]
    assert ids(found.flipped) == ["pair-3"]
    assert ids(found.moved) == ["pair-4"]
    assert ids(found.unchanged) == ["pair-2"]
    assert (found.flipped[0].before.chosen, found.flipped[0].after.chosen) == ("yes", "no")
    assert not found.is_empty


def test_a_pair_that_flipped_and_moved_counts_in_both_and_is_not_unchanged() -> None:
    found = dataset_diff.compare([row(1)], [replace(flipped(row(1)), split="holdout")])
    assert ids(found.flipped) == ids(found.moved) == ["pair-1"]
    assert not found.unchanged


def test_more_votes_for_the_same_answer_are_no_difference() -> None:
    assert dataset_diff.compare([row(1)], [replace(row(1), votes=3, confidence=0.96)]).is_empty


def test_counts_are_given_by_category() -> None:
    before = [row(1, "counting"), row(2, "spatial")]
    after = [row(1, "counting", "holdout"), row(3, "spatial"), row(4, "format")]
    found = dataset_diff.compare(before, after)
    counts = [
        (c.category, c.before, c.after, c.added, c.removed, c.moved) for c in found.categories
    ]
    assert counts == [
        ("counting", 1, 1, 0, 0, 1),
        ("format", 0, 1, 1, 0, 0),
        ("spatial", 1, 1, 1, 1, 0),
    ]
