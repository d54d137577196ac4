"""Quotas by largest remainder: whole, within one of the exact share, and short only when they must
be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rounds.mining import balancing
from storage.errors import WrongInputError

WEIGHTS = st.lists(st.floats(0.01, 100), min_size=1, max_size=12)


@given(st.integers(0, 5000), WEIGHTS)
def test_parts_add_up_and_lie_within_one_of_their_exact_share(
    total: int, weights: list[float]
) -> None:
    parts = balancing.largest_remainder(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * weight / sum(weights)) < 1


def test_seats_of_a_known_election() -> None:
    # the textbook example of the largest remainder method, Hare quota, 10 seats
    votes = [47_000.0, 16_000.0, 15_800.0, 12_000.0, 6_100.0, 3_100.0]
    assert balancing.largest_remainder(10, votes) == [5, 2, 1, 1, 1, 0]


def test_a_floor_keeps_rare_categories_in() -> None:
    found = balancing.quotas(20, {"common": 100, "rare": 100}, {"common": 99, "rare": 1}, floor=3)
    assert {one.category: one.wanted for one in found} == {"common": 17, "rare": 3}
    with pytest.raises(WrongInputError, match="asks for 22, more than 20"):
        balancing.quotas(20, {"common": 100, "rare": 100}, {}, floor=11)


def test_without_weights_all_categories_weigh_the_same() -> None:
    found = balancing.quotas(9, {"a": 9, "b": 9}, {"a": 0.0, "b": 0.0})
    assert [one.wanted for one in found] == [5, 4]


@given(
    st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 50), min_size=1),
    st.integers(0, 200),
)
def test_what_a_category_lacks_goes_to_the_others_until_nothing_is_left(
    available: dict[str, int], size: int
) -> None:
    found = balancing.quotas(size, available, {})
    taken = balancing.filled(found, size)
    assert sum(taken.values()) == min(size, sum(available.values()))
    assert all(0 <= taken[name] <= count for name, count in available.items())
    short = sum(one.shortage for one in found)
    assert short == sum(max(0, one.wanted - available[one.category]) for one in found)


def test_where_nothing_is_short_every_category_gets_its_quota() -> None:
    found = balancing.quotas(100, dict.fromkeys("abc", 100), {"a": 2.0})
    assert balancing.filled(found, 100) == {one.category: one.wanted for one in found}
