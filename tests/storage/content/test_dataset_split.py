"""The holdout shares nothing with training, and is as large as it was asked to be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import dataset_split, prompts
from storage.dataset_split import HOLDOUT, TRAIN
from storage.errors import WrongInputError
from storage.rows import DatasetRow, Part, Turn


def _row(number: int, question: str, *media: int, system: str = "") -> DatasetRow:
    parts = [Part("image", media=f"{picture:064x}") for picture in media]
    turns = [Turn("user", (*parts, Part("text", text=question)))]
    if system:
        turns.insert(0, Turn("system", (Part("text", text=system),)))
    return DatasetRow(
        pair_id=f"{number:064x}",
        prompt=prompts.build(turns),
        chosen="good",
        rejected="bad",
        labels="imported",
        votes=0,
        confidence=1.0,
        record_id="",
    )


def _pictures(number: int) -> list[int]:
    """Of every second row one, which others may show too."""
    return [number % 7 + 100 * (number % 3)] if number % 2 else []


def _crossing(rows: list[DatasetRow], sides: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """Media and questions that stand on both sides."""
    media: dict[str, set[str]] = {TRAIN: set(), HOLDOUT: set()}
    questions: dict[str, set[str]] = {TRAIN: set(), HOLDOUT: set()}
    for row, side in zip(rows, sides, strict=True):
        media[side].update(row.prompt.media)
        questions[side].add(prompts.words(row.prompt).casefold())
    return media[TRAIN] & media[HOLDOUT], questions[TRAIN] & questions[HOLDOUT]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.lists(st.integers(0, 30), max_size=2)),
        min_size=1,
        max_size=60,
    ),
    st.floats(0, 0.9),
    st.integers(0, 5),
)
def test_no_picture_is_ever_on_both_sides_and_no_question_unless_said_so(
    drawn: list[tuple[int, list[int]]], holdout: float, seed: int
) -> None:
    rows = [_row(n, f"Question {q}?", *media) for n, (q, media) in enumerate(drawn)]
    split = dataset_split.assign(rows, holdout, seed)
    media, questions = _crossing(rows, split.sides)
    assert not media
    assert not questions or "questions" not in split.kept_apart
    assert TRAIN in split.sides
    assert split == dataset_split.assign(rows, holdout, seed)
    if holdout == 0:
        assert HOLDOUT not in split.sides


@pytest.mark.parametrize("holdout", [0.05, 0.1, 0.25, 0.5])
def test_the_share_is_close_to_what_was_asked_for(holdout: float) -> None:
    rows = [_row(n, f"Question {n // 2}?", n // 3) for n in range(600)]
    split = dataset_split.assign(rows, holdout, 0)
    assert abs(split.sides.count(HOLDOUT) - holdout * 600) <= 6
    assert split.kept_apart == ("media", "questions")
    assert _crossing(rows, split.sides) == (set(), set())


def test_another_seed_draws_another_holdout() -> None:
    rows = [_row(n, f"Question {n}?") for n in range(50)]
    assert len({dataset_split.assign(rows, 0.2, seed).sides for seed in range(5)}) == 5


def test_a_few_questions_about_many_pictures_are_not_kept_apart_and_it_says_so() -> None:
    rows = [_row(n, f"Question {n % 3}?", n // 2) for n in range(100)]
    split = dataset_split.assign(rows, 0.1, 0)
    media, questions = _crossing(rows, split.sides)
    assert split.sides.count(HOLDOUT) == 10
    assert split.kept_apart == ("media",)
    assert not media
    assert questions


def test_the_same_question_without_a_picture_is_never_on_both_sides() -> None:
    rows = [_row(n, " What  IS it?" if n % 2 else "what is it?") for n in range(10)]
    assert set(dataset_split.assign(rows, 0.3, 0).sides) == {TRAIN}
    rows.append(_row(10, "Something else?"))
    split = dataset_split.assign(rows, 0.3, 0)
    assert split.sides == (TRAIN,) * 10 + (HOLDOUT,)


def test_the_same_system_message_does_not_join_prompts() -> None:
    rows = [_row(n, f"Question {n}?", n, system="Be kind.") for n in range(20)]
    assert dataset_split.assign(rows, 0.25, 0).sides.count(HOLDOUT) == 5


def test_each_side_gets_a_row_when_there_are_two_groups() -> None:
    rows = [_row(n, "One?" if n < 9 else "Two?", n // 9) for n in range(18)]
    for holdout in (0.01, 0.1, 0.9):
        sides = dataset_split.assign(rows, holdout, 0).sides
        assert sides.count(HOLDOUT) == sides.count(TRAIN) == 9


def test_one_group_cannot_be_split() -> None:
    rows = [_row(n, f"Question {n}?", 1) for n in range(4)]
    assert dataset_split.assign(rows, 0.5, 0).sides == (TRAIN,) * 4
    assert dataset_split.assign(rows[:1], 0.5, 0).sides == (TRAIN,)


@pytest.mark.parametrize("holdout", [-0.1, 1.0, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(holdout: float) -> None:
    with pytest.raises(WrongInputError, match="cannot be drawn"):
        dataset_split.assign([_row(0, "?")], holdout, 0)


def test_what_the_drawn_annotators_judged_is_held_out_whole() -> None:
    rows = [_row(number, f"Question {number}?") for number in range(20)]
    judges = {row.pair_id: [f"person {number // 4}"] for number, row in enumerate(rows)}
    split = dataset_split.by_annotator(rows, judges, 0.4, 7)
    held = {row.pair_id for row, side in zip(rows, split.sides, strict=True) if side == HOLDOUT}
    assert len(split.annotators) == 2
    assert held == {pair for pair, who in judges.items() if set(who) & set(split.annotators)}
    assert len(held) == 8
    assert dataset_split.by_annotator(rows, judges, 0.4, 7) == split
    drawn = {dataset_split.by_annotator(rows, judges, 0.2, seed).annotators for seed in range(9)}
    assert len(drawn) > 1


def test_a_row_that_somebody_drawn_judged_with_others_does_not_train() -> None:
    rows = [_row(number, f"Question {number}?") for number in range(10)]
    judges = {row.pair_id: ["ana"] for row in rows} | {rows[0].pair_id: ["ana", "ben"]}
    split = dataset_split.by_annotator(rows, judges, 0.1, 0)
    assert (split.annotators, split.sides.index(HOLDOUT), split.sides.count(HOLDOUT)) == (
        *(("ben",), 0, 1),
    )
    assert dataset_split.by_annotator(rows, judges, 0.0, 0).annotators == ()


def test_where_everybody_judged_everything_no_annotator_can_be_held_out() -> None:
    rows = [_row(number, f"Question {number}?") for number in range(3)]
    judges = {row.pair_id: ["ana", "ben"] for row in rows}
    with pytest.raises(WrongInputError, match="each of the 2 annotators judged all"):
        dataset_split.by_annotator(rows, judges, 0.3, 0)


@pytest.mark.parametrize(
    ("rows", "holdout", "seed", "drawn", "apart"),
    [
        (
            [_row(n, f'Straße "{n % 23}"?', *_pictures(n)) for n in range(40)],
            *(0.25, 0, "tttthtthhhtthtttttttttttttthtthhhtthtttt", ("media", "questions")),
        ),
        (
            [_row(n, f"Question {n % 3}?", n) for n in range(40)],
            *(0.1, 3, "tttttttttthtttttttttttttthtttttthtttttht", ("media",)),
        ),
    ],
    ids=["kept apart by media and questions", "by media alone"],
)
def test_sides_are_known_and_may_never_change_because_digests_have_them(
    rows: list[DatasetRow], holdout: float, seed: int, drawn: str, apart: tuple[str, ...]
) -> None:
    found = dataset_split.assign(rows, holdout, seed)
    assert ("".join(side[0] for side in found.sides), found.kept_apart) == (drawn, apart)
