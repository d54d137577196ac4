"""Strengths from comparisons: equal to published tables, undefined where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest

from rounds.ab import bradley_terry

# American League, eastern division, 1987: A. Agresti, Categorical Data Analysis, table 10.10
TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
SEASON = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ],
    dtype=float,
)
# against Baltimore, as H. Turner and D. Firth print them for the package BradleyTerry2 (2012)
AGAINST_BALTIMORE = {
    "Boston": (1.1077, 0.3339),
    "Cleveland": (0.6839, 0.3319),
    "Detroit": (1.4364, 0.3396),
    "Milwaukee": (1.5814, 0.3433),
    "New York": (1.2476, 0.3359),
    "Toronto": (1.2945, 0.3367),
}


def test_the_season_of_1987_gives_the_published_strengths_and_errors() -> None:
    found = bradley_terry.fit(SEASON)
    last = TEAMS.index("Baltimore")
    for team, (strength, error) in AGAINST_BALTIMORE.items():
        at = TEAMS.index(team)
        assert found.values[at] - found.values[last] == pytest.approx(strength, abs=5e-5)
        assert found.error_of_difference(at, last) == pytest.approx(error, abs=5e-5)


def test_citations_between_journals_of_statistics_give_the_published_strengths() -> None:
    """S. Stigler, Citation patterns in the journals of statistics and probability (1994)."""
    cited = np.array([[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]])
    found = bradley_terry.fit(cited.astype(float))
    against_biometrika = found.values - found.values[0]
    assert against_biometrika.tolist() == pytest.approx([0, -2.9491, -0.4796, 0.2690], abs=5e-5)


def test_two_have_the_log_odds_of_their_games_and_ties_are_half() -> None:
    ranking = bradley_terry.rank(["x", "y"], np.array([[0, 30.5], [10.5, 0]]))
    first, second = ranking.strengths
    assert (first.name, second.name) == ("x", "y")
    assert first.value is not None
    assert second.value is not None
    assert first.value - second.value == pytest.approx(np.log(30.5 / 10.5))
    assert (first.wins, first.n) == (30.5, 41)
    assert first.ci95 is not None
    assert first.ci95[0] < first.value < first.ci95[1]


def test_a_strong_one_that_hardly_ever_loses_is_found_by_the_damped_steps() -> None:
    wins = np.array([[0, 10_000, 10_000], [1, 0, 50], [1, 50, 0]], dtype=float)
    found = bradley_terry.fit(wins)
    chance = 1 / (1 + np.exp(found.values[None, :] - found.values[:, None]))
    expected = ((wins + wins.T) * chance).sum(axis=1)
    assert expected.tolist() == pytest.approx(wins.sum(axis=1).tolist(), rel=1e-6)


@pytest.mark.parametrize(
    "wins",
    [
        # one only wins
        [[0, 5, 5], [0, 0, 3], [0, 2, 0]],
        # two pairs that never met
        [[0, 3, 0, 0], [2, 0, 0, 0], [0, 0, 0, 4], [0, 0, 1, 0]],
        [[0, 0], [0, 0]],
    ],
)
def test_where_wins_do_not_lead_everywhere_there_is_no_estimate(wins: list[list[int]]) -> None:
    names = [f"c{number}" for number in range(len(wins))]
    ranking = bradley_terry.rank(names, np.array(wins, dtype=float))
    assert ranking.reason == bradley_terry.SEPARATED
    assert [one.value for one in ranking.strengths] == [None] * len(wins)
