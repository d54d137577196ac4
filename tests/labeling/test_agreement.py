"""Percent agreement with its interval, against numbers worked out by hand and in the literature."""

from __future__ import annotations

import pytest

from labeling import agreement
from storage.rows import EffectiveVote, Verdict


def cast(table: dict[str, str]) -> list[EffectiveVote]:
    """`{"pair": "a b -"}`: one column per annotator, `-` for no vote."""
    return [
        EffectiveVote(f"{pair}{who}", "batch", pair, f"person {who}", Verdict(verdict), "a", 1)
        for pair, row in table.items()
        for who, verdict in enumerate(row.split())
        if verdict != "-"
    ]


def test_agreement_is_the_mean_share_of_agreeing_annotator_pairs() -> None:
    votes = cast({"p": "a a a", "q": "a a b", "r": "a b -", "s": "b - -"})
    figure = agreement.percent_agreement(votes)
    assert figure.value == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert figure.n == 3


def test_skips_are_no_votes_and_both_bad_is_a_tie() -> None:
    figure = agreement.percent_agreement(cast({"p": "skip a a", "q": "both_bad tie"}))
    assert (figure.value, figure.n) == (1.0, 2)


def test_agreement_without_a_shared_pair_is_undefined_and_says_so() -> None:
    figure = agreement.percent_agreement(cast({"p": "a -", "q": "- b"}))
    assert (figure.value, figure.ci95, figure.n) == (None, None, 0)
    assert figure.reason


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # R. G. Newcombe, Two-sided confidence intervals for the single proportion (1998), method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_equals_published_values(
    successes: int, n: int, low: float, high: float
) -> None:
    interval = agreement.wilson_interval(successes / n, n)
    assert interval == pytest.approx((low, high), abs=5e-5)
