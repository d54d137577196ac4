"""Models of annotators on votes whose truth is known: good, careless, guessing, contrary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from labeling.agreement.table import Integers, RatingTable, from_columns
from labeling.annotator_models import accuracy, dawid_skene, mace

# the last two guess, and mostly say the opposite
RIGHT = {"ana": 0.95, "ben": 0.90, "cleo": 0.75, "dan": 0.50, "eve": 0.15}
ITEMS, SHARE = 600, 0.6


@dataclass(frozen=True)
class Votes:
    """A table of votes and the truth of its items."""

    table: RatingTable
    truth: Integers


@pytest.fixture(scope="module")
def votes() -> Votes:
    random = np.random.default_rng(7)
    truth = random.integers(0, 2, ITEMS)
    told = [
        (f"{item:04}", name, "ab"[truth[item] if random.random() < right else 1 - truth[item]])
        for item in range(ITEMS)
        for name, right in RIGHT.items()
        if random.random() < SHARE
    ]
    seen = sorted({item for item, _, _ in told})
    table = from_columns(*map(list, zip(*told, strict=True)))
    return Votes(table, truth[[int(item) for item in seen]])


def right_share(posterior: np.ndarray, votes: Votes) -> float:
    return float((posterior.argmax(axis=1) == votes.truth).mean())


def majority_share(votes: Votes) -> float:
    # a tie of two is right half of the time
    counts = votes.table.counts
    won = (counts[:, 1] > counts[:, 0]) == (votes.truth == 1)
    even = counts[:, 0] == counts[:, 1]
    return float(np.where(even, 0.5, won).mean())


def test_every_model_finds_more_of_the_truth_than_the_majority(votes: Votes) -> None:
    by_majority = majority_share(votes)
    assert right_share(dawid_skene.fit(votes.table).posterior, votes) > by_majority + 0.1
    assert right_share(mace.fit(votes.table).posterior, votes) > by_majority + 0.1


def test_accuracies_are_found_within_their_error(votes: Votes) -> None:
    found = accuracy.estimate(votes.table)
    assert sorted(found) == sorted(RIGHT)
    for name, right in RIGHT.items():
        assert found[name].value == pytest.approx(right, abs=0.07)
        assert found[name].ci95[0] < found[name].value < found[name].ci95[1]
    by_model = dict(
        zip(votes.table.raters, dawid_skene.fit(votes.table, 0.5).accuracy, strict=True)
    )
    for name, right in RIGHT.items():
        assert by_model[name] == pytest.approx(right, abs=0.07)


def test_mace_tells_those_who_look_from_those_who_guess(votes: Votes) -> None:
    found = dict(zip(votes.table.raters, mace.fit(votes.table).competence, strict=True))
    assert found["ana"] > found["ben"] > found["cleo"] > 0.3
    assert found["dan"] < 0.2


def test_who_always_says_the_same_is_found_by_what_they_answer_otherwise() -> None:
    random = np.random.default_rng(3)
    truth = random.integers(0, 2, 200)
    told = [
        (f"{item:03}", name, "ab"[truth[item] if random.random() < 0.9 else 1 - truth[item]])
        for item in range(200)
        for name in ("ana", "ben", "cleo")
    ]
    told += [(f"{item:03}", "dan", "a") for item in range(200)]
    table = from_columns(*map(list, zip(*told, strict=True)))
    found = mace.fit(table)
    dan = table.raters.index("dan")
    assert found.competence[dan] < 0.2
    assert found.guesses[dan, 0] > 0.9


def test_few_votes_stay_near_what_is_assumed() -> None:
    found = accuracy.estimate(from_columns(["p"], ["ana"], ["a"]))
    # one vote that nobody else saw is taken as right with probability 0.75
    assert found["ana"].value == pytest.approx(0.75, abs=0.06)
    assert found["ana"].votes == 1
    assert accuracy.estimate(from_columns([], [], [])) == {}


def test_known_truth_overrules_a_contrary_majority() -> None:
    told = [
        (f"{item:02}", name, "b" if name == "ana" else "a")
        for item in range(40)
        for name in ("ana", "ben", "cleo")
    ]
    table = from_columns(*map(list, zip(*told, strict=True)))
    assert accuracy.estimate(table)["ana"].value < 0.2
    known = dict.fromkeys(range(30), 1)
    corrected = accuracy.estimate(table, known)
    assert corrected["ana"].value > 0.85
    assert corrected["ben"].value < 0.2
