"""What is chosen: a random part, then the least sure, balanced, without repeats, all counted."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import numpy as np
import pytest

from rounds.mining import choosing, strategies
from rounds.mining.candidates import Candidate, Labeled
from rounds.mining.choosing import MiningSettings
from storage.errors import WrongInputError


def candidate(number: int, probability: float = 0.5, category: str = "counting") -> Candidate:
    """A pair about a picture of its own; the model prefers answer A with this probability."""
    return Candidate(
        pair_id=f"{number:04}",
        prompt_id=f"prompt {number}",
        category=category,
        media=(f"picture {number}",),
        words=f"How many shapes are in scene {number}?",
        answers=("two", "three"),
        delta=math.log(probability / (1 - probability)) / 0.1,
        beta=0.1,
        logps=(-4.0 - number, -6.0),
        tokens=(2, 2),
    )


def pool(size: int = 100, categories: str = "ab") -> list[Candidate]:
    random = Random(1)
    return [
        candidate(at, random.uniform(0.05, 0.95), categories[at % len(categories)])
        for at in range(size)
    ]


def test_probability_is_the_sigmoid_of_beta_times_the_difference() -> None:
    # a threshold of 0.6 is a margin of ln(0.6 / 0.4)
    assert candidate(1, 0.6).beta * candidate(1, 0.6).delta == pytest.approx(0.405465, abs=1e-6)
    assert candidate(1, 0.3).probability == pytest.approx(0.3)
    assert candidate(1, 0.3).confidence == pytest.approx(0.7)


def test_entropy_is_the_mean_surprise_per_token() -> None:
    assert candidate(2).entropy == pytest.approx((6 / 2 + 6 / 2) / 2)


def test_a_fifth_is_drawn_by_lot_and_the_rest_are_the_least_sure() -> None:
    members = pool(categories="a")
    found = choosing.choose(members, MiningSettings(size=20))
    by_lot = [one for one in found.choices if one.strategy == strategies.RANDOM]
    mined = [one for one in found.choices if one.strategy == strategies.MARGIN]
    assert (len(by_lot), len(mined)) == (4, 16)
    assert {one.propensity for one in by_lot} == {4 / 100}
    assert {one.propensity for one in mined} == {1.0}
    assert all(one.candidate.confidence < 0.6 for one in mined)
    drawn = {one.candidate.pair_id for one in found.choices}
    passed = [one for one in members if one.pair_id not in drawn]
    assert max(one.candidate.confidence for one in mined) <= min(one.confidence for one in passed)


def test_every_candidate_is_chosen_or_counted() -> None:
    members = [*pool(60), candidate(60, 0.99, "a")]
    found = choosing.choose(members, MiningSettings(size=10))
    assert len(found.choices) + sum(found.left_out.values()) == len(members)
    assert found.left_out["the model is sure"] >= 1


def test_the_lot_falls_on_sure_pairs_too_and_every_pair_as_often() -> None:
    members = pool(20, "a")
    counts: Counter[str] = Counter()
    for seed in range(600):
        found = choosing.choose(members, MiningSettings(size=20, random_share=0.25, seed=seed))
        by_lot = [one for one in found.choices if one.strategy == strategies.RANDOM]
        counts.update(one.candidate.pair_id for one in by_lot)
    assert len(counts) == 20
    # 600 draws of 5 in 20: 150 each, five standard deviations are 53
    assert all(abs(count - 150) < 53 for count in counts.values())


def test_figures_weighted_by_propensity_are_unbiased_for_the_whole_pool() -> None:
    members = pool(40, "a")
    truth = np.mean([one.probability for one in members])
    estimates = []
    for seed in range(400):
        found = choosing.choose(members, MiningSettings(size=20, random_share=0.5, seed=seed))
        drawn = [one for one in found.choices if one.strategy == strategies.RANDOM]
        total = sum(one.candidate.probability / one.propensity for one in drawn)
        estimates.append(total / len(members))
    error = np.std(estimates) / len(estimates) ** 0.5
    assert abs(np.mean(estimates) - truth) < 4 * error


def test_categories_get_their_quota_and_a_shortage_is_told() -> None:
    members = [candidate(at, 0.5, "a") for at in range(30)] + [candidate(90, 0.5, "b")]
    found = choosing.choose(members, MiningSettings(size=10))
    counted = Counter(one.candidate.category for one in found.choices)
    assert counted == {"a": 9, "b": 1}
    assert (found.shortage, found.missing) == (4, 0)


def test_the_same_lesson_is_not_chosen_twice() -> None:
    twice = [candidate(1), candidate(1), candidate(2)]
    same = [Candidate(**{**vars(one), "pair_id": f"pair {at}"}) for at, one in enumerate(twice)]
    found = choosing.choose(same, MiningSettings(size=3))
    assert len(found.choices) == 2
    assert found.left_out == {"nearly the same as another": 1}


def test_the_same_candidates_and_seed_give_the_same_choice_in_any_order() -> None:
    members = pool()
    again = members.copy()
    Random(5).shuffle(again)
    one, other = (choosing.choose(each, MiningSettings(size=20)) for each in (members, again))
    assert one == other


def test_the_largest_gap_is_the_opposite_of_the_margin() -> None:
    members = pool(categories="a")
    settings = MiningSettings(size=10, strategy=strategies.LARGE_GAP, random_share=0.1)
    found = choosing.choose(members, settings)
    mined = [one for one in found.choices if one.strategy == strategies.LARGE_GAP]
    assert min(one.candidate.confidence for one in mined) > 0.85


def test_the_unpredictable_come_first_by_entropy() -> None:
    scores = strategies.score(strategies.ENTROPY, [candidate(1), candidate(9)])
    assert scores[1] > scores[0]


def test_diverse_takes_unlike_questions_before_more_of_the_same() -> None:
    same = [candidate(at, 0.5) for at in range(20)]
    other = Candidate(**{**vars(candidate(99, 0.52)), "words": "Is the banana left of a violin?"})
    scores = strategies.score(strategies.DIVERSE, [*same, other], wanted=6)
    assert set(np.argsort(-scores)[:2]) == {0, 20}


def test_an_ensemble_disagrees_where_the_labels_taught_nothing() -> None:
    labeled = [
        Labeled(("a red circle", "a blue circle"), f"Which {at}?", "a" if at % 10 else "b")
        for at in range(60)
    ]
    known = Candidate(**{**vars(candidate(1)), "answers": ("a red circle", "a blue circle")})
    unknown = Candidate(**{**vars(candidate(2)), "answers": ("7", "seven of them")})
    scores = strategies.score(strategies.DISAGREEMENT, [known, unknown], labeled=labeled)
    assert scores.shape == (2,)
    assert 0 <= scores.min() <= scores.max() <= 0.25
    mirrored = [
        Candidate(**{**vars(one), "answers": one.answers[::-1]}) for one in (known, unknown)
    ]
    again = strategies.score(strategies.DISAGREEMENT, mirrored, labeled=labeled)
    assert again == pytest.approx(scores)


def test_what_can_not_be_used_is_said() -> None:
    with pytest.raises(WrongInputError, match="There is no strategy 'luck'"):
        choosing.choose(pool(), MiningSettings(size=5, strategy="luck"))
    with pytest.raises(WrongInputError, match="random_share is 0"):
        choosing.choose(pool(), MiningSettings(size=5, random_share=0.0))
    labeled = [Labeled(("x", "y"), "?", "a")] * 3
    settings = MiningSettings(size=5, strategy=strategies.DISAGREEMENT)
    with pytest.raises(WrongInputError, match="there are 3"):
        choosing.choose(pool(), settings, labeled)
