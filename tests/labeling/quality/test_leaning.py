"""Shares against chance: known significant shares, and the correction for many tests."""

from __future__ import annotations

import pytest

from labeling.quality.leaning import corrected, leaning


@pytest.mark.parametrize(("chosen", "n"), [(33, 50), (61, 100), (115, 200), (273, 500)])
def test_the_smallest_significant_shares_are_those_of_the_exact_test(chosen: int, n: int) -> None:
    # smallest shares on the left that the exact binomial test calls significant at 0.05
    assert leaning(chosen, n).p < 0.05
    assert leaning(chosen - 1, n).p >= 0.05
    assert leaning(n - chosen, n).p == pytest.approx(leaning(chosen, n).p)


def test_an_even_share_and_no_choices_lean_nowhere() -> None:
    even = leaning(10, 20)
    assert (even.share, even.p) == (0.5, 1.0)
    assert even.ci95 is not None
    assert even.ci95[0] == pytest.approx(0.2993, abs=1e-4)
    assert leaning(0, 0).share is None


def test_many_tests_are_corrected_by_holm() -> None:
    # the worked example of Holm's procedure: sorted p times 4, 3, 2, 1, never falling
    assert corrected([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert corrected([0.9, 0.8]) == [1.0, 1.0]
    assert corrected([]) == []
