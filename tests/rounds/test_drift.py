"""Drift between versions: values worked out by hand, and what must hold for any two."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rounds import drift
from storage import prompts
from storage.rows import DatasetRow, Part, Turn


def rows(categories: str) -> list[DatasetRow]:
    """One row for each letter, which is its category."""
    turns = [Turn("user", (Part("text", "How many?"),))]
    return [
        DatasetRow(
            f"p{number}", prompts.build(turns, category), "three", "four", "ana", 1, 0.75, ""
        )
        for number, category in enumerate(categories)
    ]


def by_category(before: str, after: str) -> drift.Drift:
    return drift.measure(rows(before), rows(after))[0]


def test_the_same_make_up_does_not_drift_whatever_the_size() -> None:
    found = by_category("aabb", "ab" * 50)
    assert (found.divergence, found.verdict) == (0, "stable")
    assert found.stability == pytest.approx(0)


def test_a_shift_has_the_values_that_the_formulas_give() -> None:
    # shares 0.5 and 0.5 become 0.2 and 0.8
    found = by_category("aaaaabbbbb", "aabbbbbbbb")
    expected = 0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5)
    assert found.stability == pytest.approx(expected)
    entropy = -(0.35 * math.log2(0.35) + 0.65 * math.log2(0.65))
    halves = (1 - (0.2 * math.log2(0.2) + 0.8 * math.log2(0.8))) / 2
    assert found.divergence == pytest.approx(entropy - halves)
    assert found.verdict == "much shifted"
    assert {(share.name, share.before, share.after) for share in found.shares} == {
        ("a", 0.5, 0.2),
        ("b", 0.5, 0.8),
    }


def test_nothing_in_common_is_one_bit_and_stays_finite() -> None:
    found = by_category("aaaa", "bbbb")
    assert found.divergence == pytest.approx(1)
    assert math.isfinite(found.stability)


def test_without_rows_nothing_is_measured() -> None:
    assert drift.measure([], rows("ab")) == []


@given(st.text("abc", min_size=1, max_size=30), st.text("abc", min_size=1, max_size=30))
def test_drift_has_no_direction_and_lies_between_nothing_and_one_bit(
    before: str, after: str
) -> None:
    there, back = by_category(before, after), by_category(after, before)
    assert 0 <= there.divergence <= 1 + 1e-12
    assert there.divergence == pytest.approx(back.divergence)
    assert there.stability == pytest.approx(back.stability)
    assert there.stability >= -1e-12


def test_every_feature_is_measured() -> None:
    found = drift.measure(rows("ab"), rows("ab"))
    assert [each.feature for each in found] == list(drift.FEATURES)
    assert all(each.stability == pytest.approx(0) for each in found)
    lengths: Sequence[drift.Share] = found[4].shares
    assert [share.name for share in lengths] == ["0 to 50"]


def test_a_row_may_be_in_several_classes_and_shares_are_of_all_of_them() -> None:
    judges = {"p0": ("ana", "ben"), "p1": ("ana",)}

    def who(row: DatasetRow) -> tuple[str, ...]:
        return judges[row.pair_id]

    found = drift.measure(rows("ab"), rows("a"), {"who": (who, who)})[-1]
    assert {(one.name, one.before, one.after) for one in found.shares} == {
        ("ana", 2 / 3, 1 / 2),
        ("ben", 1 / 3, 1 / 2),
    }


def test_coverage_has_the_largest_class_first_and_the_rest_together() -> None:
    versions = {"v1": rows("aab"), "v2": rows("abcd"), "v3": rows("abcd")}
    key = drift.FEATURES["category"]
    found = drift.cover("category", {name: (one, key) for name, one in versions.items()}, most=3)
    assert list(found.classes) == ["a", "b", drift.OTHERS]
    assert found.shares[0] == [pytest.approx(2 / 3), 0.25, 0.25]
    assert found.shares[2] == [0, 0.5, 0.5]
    for column in zip(*found.shares, strict=True):
        assert sum(column) == pytest.approx(1)
    direct = drift.measure(versions["v1"], versions["v2"])[0].divergence
    assert found.divergences == [None, pytest.approx(direct), 0]
