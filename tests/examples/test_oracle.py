"""The oracle grades by the form of the question and compares imperfect answers."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from examples.shapes.asking import ask
from examples.shapes.oracle import NONSENSE, Oracle, Truth, grade, prefer
from examples.shapes.questions import CATEGORIES, UNKNOWABLE
from examples.shapes.world import scenes


def _truth(form: str, answer: str) -> Truth:
    return Truth("shapes-1", "pixels", "question", "category", form, answer)


def test_every_right_answer_is_exact_and_every_lapse_is_not() -> None:
    random = Random(5)
    for scene in islice(scenes("audit", 2), 40):
        for category in CATEGORIES:
            question = ask(scene, category, random)
            truth = _truth(question.form, question.answer)
            assert question.category == category
            assert question.lapses
            assert grade(truth, question.answer).exact
            for lapse in question.lapses:
                assert 0 < grade(truth, lapse).faults < NONSENSE, (question, lapse)


def test_a_smaller_miscount_beats_a_larger_one() -> None:
    truth = _truth("count", "I count 1 circle.")
    assert prefer(truth, "I count 2 circles.", "I count 4 circles.") == "first"
    assert prefer(truth, "I count 2 circles.", "I count 0 circles.") == "tie"
    assert prefer(truth, "Many.", "I count 9 circles.") == "second"


def test_a_description_loses_by_what_it_invents_and_what_it_leaves_out() -> None:
    truth = _truth("listing", "I see a red circle and a blue star.")
    assert grade(truth, "I see a blue star and a red circle.").exact
    assert grade(truth, "I see a red circle.").faults == 1
    assert grade(truth, "I see a red circle, a blue star and a red star.").faults == 1
    assert grade(truth, "I see a red circle and a red star.").faults == 2
    assert grade(truth, "red red red").faults == NONSENSE


def test_missing_colours_are_graded_as_a_list() -> None:
    truth = _truth("listing", "Missing: none.")
    assert grade(truth, "Missing: none.").exact
    assert grade(truth, "Missing: red and blue.").faults == 2


@pytest.mark.parametrize(
    ("said", "faults"), [("blue", 0), ("The star is blue.", 1), ("red", 2), ("Blue", 1)]
)
def test_the_right_content_in_the_wrong_format_is_half_a_success(said: str, faults: int) -> None:
    assert grade(_truth("strict", "blue"), said).faults == faults


def test_a_guess_loses_against_an_abstention_and_ties_with_another_guess() -> None:
    truth = _truth("abstain", UNKNOWABLE)
    assert prefer(truth, "Anna drew it.", UNKNOWABLE) == "second"
    assert prefer(truth, "Anna drew it.", "A child drew it.") == "tie"
    assert grade(truth, "It cannot be known.").exact


def test_an_unknown_picture_or_question_has_no_truth() -> None:
    oracle = Oracle([_truth("choice", "It is empty.")])
    assert oracle.find("pixels", "question ") is not None
    assert oracle.find("pixels", "another question") is None
    assert oracle.find("other pixels", "question") is None
