"""What makes two things the same thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import identity, prompts, responses
from storage.errors import WrongInputError
from storage.rows import Part, Turn

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


def _asked(*parts: Part) -> list[Turn]:
    return [Turn("user", parts)]


def test_ids_are_known_numbers_that_may_never_change() -> None:
    prompt = prompts.build(_asked(Part("image", media="0" * 64), Part("text", "Wie groß?")))
    assert prompt.id == "5736167c2dff5058de6ccb4c9e2635fd114ca838e66b4522d570bfe87ccea595"
    assert (
        identity.response_id(prompt.id, "10 m")
        == "dcaad52d6d66acf1de08e91ba778f34645c9b99e0829ab7805a311ed65189139"
    )
    pair = identity.pair_of(prompt.id, "1" * 64, "2" * 64)
    assert (pair.id, pair.response_a[0]) == (
        "d36949d57099031df1cb4575b4353b39ca8ad9514b35f20b93840dda6f5217e8",
        "1",
    )


def test_a_category_is_no_part_of_the_identity() -> None:
    turns = _asked(Part("text", "How many?"))
    assert prompts.build(turns, "counting").id == prompts.build(turns, "other").id


def test_role_order_text_and_media_are_part_of_the_identity() -> None:
    text, image = Part("text", "How many?"), Part("image", media="0" * 64)
    variants = [
        _asked(text, image),
        _asked(image, text),
        _asked(image),
        _asked(text, Part("video", media="0" * 64)),
        _asked(text, Part("image", media="1" * 64)),
        [Turn("system", (text,)), Turn("user", (image,))],
    ]
    assert len({prompts.build(turns).id for turns in variants}) == len(variants)


def test_texts_next_to_each_other_and_empty_ones_do_not_make_another_prompt() -> None:
    split = prompts.build(_asked(Part("text", "How "), Part("text", ""), Part("text", "many?")))
    assert split == prompts.build(_asked(Part("text", "How many?")))


@given(WORDS, WORDS)
def test_the_order_in_which_two_answers_come_does_not_matter(one: str, other: str) -> None:
    first, second = (responses.build("p", text).id for text in (one, other))
    if first == second:
        assert one == other
        with pytest.raises(ValueError, match="two different"):
            identity.pair_of("p", first, second)
    else:
        pair = identity.pair_of("p", first, second)
        assert pair == identity.pair_of("p", second, first)
        assert {pair.response_a, pair.response_b} == {first, second}


def test_the_better_answer_is_a_about_half_the_time_and_never_by_its_place_in_the_sort() -> None:
    pairs = [identity.pair_of("p", f"{n:064x}", f"{n + 1:064x}") for n in range(2000)]
    firsts = sum(pair.response_a < pair.response_b for pair in pairs)
    assert 900 < firsts < 1100


def test_the_order_of_a_batch_is_another_one_in_every_batch() -> None:
    names = [f"{n:064x}" for n in range(50)]
    orders = {
        tuple(sorted(names, key=lambda pair: identity.batch_position(batch, pair)))
        for batch in ("one", "two")
    }
    assert len(orders) == 2
    assert tuple(names) not in orders


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("A dog.", " A  dog.\n", True),
        ("caf\u00e9", "cafe\u0301", True),
        ("A dog.", "A dog", False),
        ("A dog.", "a dog.", False),
        ("no\u00a0break", "no break", True),
    ],
)
def test_answers_are_the_same_when_only_blanks_or_unicode_forms_differ(
    one: str, other: str, same: bool
) -> None:
    assert identity.same_answer(one, other) is same


@pytest.mark.parametrize("category", ["", "  ", "two\nlines", "x" * 101])
def test_a_category_is_one_short_line(category: str) -> None:
    with pytest.raises(WrongInputError, match="category"):
        prompts.build(_asked(Part("text", "?")), category)
