"""What a judge is asked in both orders, and what its replies mean."""

from __future__ import annotations

import pytest

from storage import prompts
from storage.errors import WrongInputError
from storage.rows import Part, Turn
from training.judging import question
from training.judging.question import Reply
from training.pool.pairs import PoolPair

PAIR = PoolPair(
    "p",
    prompts.build(
        [
            Turn("system", (Part("text", "Be brief."),)),
            Turn("user", (Part("image", media="m1"), Part("text", "Which colour?"))),
        ],
        "colour",
    ),
    "It is red.",
    "Blue",
)


def _text(asked: question.Question) -> str:
    return "".join(part.text for part in asked.turns[0].parts)


def test_both_orders_differ_in_nothing_but_the_places_of_the_answers() -> None:
    forward, backward = question.both_orders(PAIR, "Choose.", may_tie=True)
    for asked in (forward, backward):
        assert [part.media for part in asked.turns[0].parts if part.media] == ["m1"]
    assert "[Answer A]\nIt is red.\n\n[Answer B]\nBlue\n" in _text(forward)
    swapped = _text(forward).replace("It is red.", "*").replace("Blue", "It is red.")
    assert swapped.replace("*", "Blue") == _text(backward)
    assert "System: Be brief." in _text(forward)


def test_the_version_changes_with_every_letter_and_with_the_letters_offered() -> None:
    versions = {
        question.version_of(told, may_tie=tie) for told in ("Choose.", "Choose") for tie in (0, 1)
    }
    assert len(versions) == 4


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("A", "first"),
        (" **B** ", "second"),
        ("(C)", "tie"),
        ("Verdict: B", "second"),
        ("The better answer is A.", "first"),
        ("Answer B is better.", "second"),
        ('{"verdict": "A"}', "first"),
        ("A says red, which is wrong.\n\nFinal verdict: B", "second"),
        ("<think>A, or is it A?\nA</think>\nB", "second"),
        ("<think>A", ""),
        ("Both are fine, A is shorter than B", ""),
        ("D", ""),
        ("", ""),
    ],
)
def test_a_reply_is_read_from_its_last_line_or_not_at_all(text: str, choice: str) -> None:
    assert question.choice_in(text) == choice


@pytest.mark.parametrize(
    ("forward", "backward", "verdict", "consistent"),
    [
        ("first", "second", "a", True),
        ("second", "first", "b", True),
        ("tie", "tie", "tie", True),
        ("first", "first", "tie", False),
        ("second", "second", "tie", False),
        ("first", "tie", "tie", False),
        ("first", "", "", False),
    ],
)
def test_a_judge_that_contradicts_itself_says_tie(
    forward: str, backward: str, verdict: str, consistent: bool
) -> None:
    record = question.judgement(PAIR, [Reply(forward), Reply(backward)])
    assert record["verdict"] == verdict
    assert question.is_consistent(record) is consistent


def test_tokens_and_shares_of_both_orders_are_put_together() -> None:
    replies = [Reply("first", 0.9, 10, 1), Reply("second", 0.3, 12, 1)]
    record = question.judgement(PAIR, replies)
    assert record["share_of_a"] == pytest.approx(0.8)
    assert (record["tokens_in"], record["tokens_out"]) == (22, 2)
    unknown = question.judgement(PAIR, [Reply("first"), Reply("second", None, 12, 1)])
    assert (unknown["share_of_a"], unknown["tokens_in"]) == (None, None)


def test_empty_and_endless_instructions_are_refused() -> None:
    for text in (" \n", "x" * (question.MOST_INSTRUCTIONS + 1)):
        with pytest.raises(WrongInputError, match="characters"):
            question.check_instructions(text)
