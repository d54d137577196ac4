"""Overlap of texts against published examples and cases done by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.measuring import behaviour, overlap

# the example of sacrebleu's own documentation: 48.53, precisions 82.4 / 50.0 / 45.5 / 37.5
ANSWERS = ("The dog bit the man.", "It wasn't surprising.", "The man had just bitten him.")
REFERENCES = (
    ("The dog bit the man.", "The dog had bit the man."),
    ("It was not unexpected.", "No one was surprised."),
    ("The man bit him first.", "The man had bitten the dog."),
)


def test_bleu_is_that_of_the_published_example() -> None:
    assert overlap.bleu(ANSWERS, REFERENCES) == pytest.approx(48.530827009929865, abs=1e-9)


def test_bleu_smooths_what_does_not_match_and_is_0_without_any_match() -> None:
    # one word of four right: precisions 1/4, then 1/(2*3), 1/(4*2), 1/(8*1) by halving
    expected = 100 * (1 / 4 * 1 / 6 * 1 / 8 * 1 / 8) ** 0.25
    assert overlap.bleu(["a b c d"], [["a x y z"]]) == pytest.approx(expected)
    assert overlap.bleu(["p q r s"], [["a x y z"]]) == 0
    assert overlap.bleu([], []) is None
    assert overlap.bleu([""], [["a x y z"]]) == 0


def test_an_answer_shorter_than_its_reference_is_held_down() -> None:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    short = overlap.bleu([" ".join(words[:6])], [[" ".join(words)]])
    assert short == pytest.approx(100 * np.exp(1 - 8 / 6))


def test_tokens_are_those_of_mteval() -> None:
    told = 'It cost $1,000.50 - "really"? Yes, 3-4 days.'
    expected = 'It cost $ 1,000.50 - " really " ? Yes , 3 - 4 days .'
    assert overlap.tokens_13a(told) == expected.split()


def test_f1_counts_words_without_case_articles_and_punctuation() -> None:
    assert overlap.token_f1("The red square.", "a red square") == 1
    # two of three words in common, and two of two
    assert overlap.token_f1("big red square", "red square") == pytest.approx(0.8)
    assert overlap.token_f1("", "red") == 0


def test_boxes_are_read_and_matched_one_to_one() -> None:
    assert overlap.boxes("at [0, 0, 2, 2] and (3,3,1.5,1) not [1, 1, 1, 4]") == [
        (0, 0, 2, 2),
        (1.5, 1, 3, 3),
    ]
    # intersection 1, union 7
    assert overlap.box_iou("[1, 1, 3, 3]", "[0, 0, 2, 2]") == pytest.approx(1 / 7)
    # one is right, one too many
    assert overlap.box_iou("[0,0,2,2] [5,5,6,6]", "[0,0,2,2]") == pytest.approx(0.5)
    assert overlap.box_iou("nowhere", "[0, 0, 2, 2]") == 0
    assert overlap.box_iou("[0, 0, 2, 2]", "nowhere") is None


def test_embeddings_match_greedily_by_cosine() -> None:
    reference = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert overlap.embedding_f1(3 * reference, reference) == pytest.approx(1)
    # precision 1, recall (1 + 0) / 2
    assert overlap.embedding_f1(np.array([[2.0, 0.0]]), reference) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("prompt", "answer", "kept"),
    [
        ("Answer in one word: what colour?", "red", True),
        ("Answer in one word: what colour?", "It is red.", False),
        ("Answer with a digit only: how many?", "3", True),
        ("Answer with a digit only: how many?", "three", False),
        ("Answer as a JSON list: the colours.", '["red"]', True),
        ("Answer as a JSON list: the colours.", '{"red": 1}', False),
        ("Reply in JSON.", '{"red": 1}', True),
        ("Answer with commas only: the shapes.", "square, circle", True),
        ("Answer with commas only: the shapes.", "I see a square.", False),
        ("Answer yes or no: is it red?", "No, it is not.", True),
        ("Answer yes or no: is it red?", "Nothing is.", False),
        ("Describe it in one sentence.", "It is red. It is big.", False),
        ("What colour is it?", "anything", None),
    ],
)
def test_a_format_counts_only_where_the_prompt_asks_for_it(
    prompt: str, answer: str, kept: bool | None
) -> None:
    assert behaviour.keeps_format(prompt, answer) is kept


def test_a_refusal_is_told_by_how_the_answer_begins() -> None:
    assert behaviour.is_refusal("I'm sorry, but I cannot see that.")
    assert behaviour.is_refusal("I can\u2019t tell from the picture.")
    assert not behaviour.is_refusal("The cat is sorry.")
    assert behaviour.words(" two  words\n") == 2
