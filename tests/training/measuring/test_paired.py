"""McNemar's test on tables whose p-values are published or follow from the binomial by hand."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from training.measuring import paired


def outcomes(both: int, first: int, second: int, neither: int) -> paired.Paired:
    right = [(True, True)] * both + [(True, False)] * first
    right += [(False, True)] * second + [(False, False)] * neither
    one, other = np.array(right, dtype=bool).reshape(-1, 2).T
    return paired.compare(one, other)


def test_counts_and_p_are_those_of_the_exact_binomial() -> None:
    found = outcomes(both=59, first=6, second=16, neither=19)
    assert (found.both, found.first, found.second, found.neither, found.n) == (59, 6, 16, 19, 100)
    # by hand: twice the chance of 6 or fewer of 22 coins
    assert found.p == pytest.approx(2 * sum(comb(22, k) for k in range(7)) / 2**22)
    assert found.p == pytest.approx(0.0525, abs=5e-5)


def test_the_difference_has_the_interval_of_paired_proportions() -> None:
    found = outcomes(both=59, first=6, second=16, neither=19)
    assert found.difference == pytest.approx(0.10)
    assert found.ci95 is not None
    half = 1.959964 * (22 - 100 / 100) ** 0.5 / 100
    assert found.ci95 == pytest.approx((0.10 - half, 0.10 + half))


def test_equal_answers_and_no_pairs_show_no_difference() -> None:
    same = outcomes(both=5, first=0, second=0, neither=5)
    assert (same.difference, same.p) == (0, 1)
    nothing = outcomes(0, 0, 0, 0)
    assert (nothing.difference, nothing.ci95, nothing.p) == (None, None, 1)


def test_exchanging_the_two_turns_the_sign_and_keeps_p() -> None:
    there, back = outcomes(10, 3, 9, 2), outcomes(10, 9, 3, 2)
    assert there.p == back.p
    assert there.difference == -back.difference  # type: ignore[operator]
