"""What is said of A/B tests: a winner only when the interval leaves one half behind."""

from __future__ import annotations

import numpy as np
import pytest

from console.views import ab_tests
from rounds.ab import bradley_terry, win_rate
from rounds.ab.results import Duel, Results


def _duel(wins: int, losses: int, ties: int = 0, waiting: int = 0) -> Duel:
    rate = win_rate.measure(wins, losses, ties)
    return Duel("v1", "v2", wins, losses, ties, waiting, 3, 0, rate)


@pytest.mark.parametrize(
    ("duel", "said"),
    [
        (_duel(40, 10), "v1 wins"),
        (_duel(10, 40), "v2 wins"),
        (_duel(6, 4, waiting=2), "not decided"),
        (_duel(6, 4), "not decided, and every pair is settled"),
        (_duel(0, 0, waiting=5), "no pair is settled yet"),
    ],
)
def test_a_test_is_won_when_its_interval_leaves_one_half(duel: Duel, said: str) -> None:
    page = ab_tests.page(Results(["ab"], [duel], None))
    assert page.duels[0].verdict == said
    assert page.ranking == []
    assert ab_tests.as_json(Results(["ab"], [duel], None))["duels"][0]["win_rate"]["n"] == (
        duel.wins + duel.losses + duel.ties
    )


def test_a_ranking_says_why_it_has_no_strengths() -> None:
    ranking = bradley_terry.rank(["x", "y", "z"], np.array([[0, 2, 2], [0, 0, 1], [0, 1, 0.0]]))
    page = ab_tests.page(Results(["ab"], [_duel(2, 0)], ranking))
    assert [line.strength for line in page.ranking] == ["n/a"] * 3
    assert bradley_terry.SEPARATED in page.notes[-1]
