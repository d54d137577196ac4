"""Word differences: nothing of a text is lost, and what changed together is marked together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.views import words
from console.views.words import Change

TEXTS = st.text(alphabet=st.sampled_from("ab .,\n "), max_size=40)


def marked(old: str, new: str) -> str:
    return words.marked(words.compare(old, new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("I see a blue star.", "I see a red star.", "I see a [-blue-]{+red+} star."),
        ("Yes.", "Yes.", "Yes."),
        ("", "Yes.", "{+Yes.+}"),
        ("Yes, two.", "Yes.", "Yes[-, two-]."),
        (
            "The star is made column.",
            "That cannot be known.",
            "[-The star is made column.-]{+That cannot be known.+}",
        ),
        ("Blue, blue and red.", '["blue"]', '[-Blue, blue and red.-]{+["blue"]+}'),
        ("a b", "a c b", "a {+c +}b"),
    ],
)
def test_what_changed_is_marked_by_words(old: str, new: str, expected: str) -> None:
    assert marked(old, new) == expected


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_back_from_the_pieces(old: str, new: str) -> None:
    pieces = words.compare(old, new)
    assert "".join(p.text for p in pieces if p.change is not Change.ADDED) == old
    assert "".join(p.text for p in pieces if p.change is not Change.REMOVED) == new


def test_markup_in_an_answer_stays_text() -> None:
    assert marked("<b>x</b>", "<b>y</b>") == "<b>[-x-]{+y+}</b>"


def test_long_answers_are_compared_too() -> None:
    old = " ".join(f"w{number}" for number in range(3000))
    assert marked(old, f"{old} end").endswith("w2999{+ end+}")
