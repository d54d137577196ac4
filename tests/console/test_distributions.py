"""Bins of the Rewards page: equal, symmetric, and nothing is lost between them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import histograms
from console.views import distributions
from console.views.distributions import BINS, Distribution

VALUES = st.lists(st.floats(-500, 500), min_size=1, max_size=60)


def drawn(*values: float, other: tuple[float, ...] = ()) -> Distribution:
    sets = {"chosen": ("chosen", np.array(values))}
    if other:
        sets["rejected"] = ("rejected", np.array(other))
    found = distributions.distribution("Implicit reward", "reward", sets)
    assert found is not None
    return found


def test_without_values_there_is_no_distribution() -> None:
    assert distributions.distribution("x", "", {"chosen": ("chosen", np.zeros(0))}) is None


def test_small_values_look_small_on_an_axis_of_minus_2_to_2() -> None:
    found = drawn(0.01, -0.02, 0.03)
    assert (found.limit, len(found.series[0].counts)) == (2.0, BINS)
    assert sum(found.series[0].counts) == 3
    assert found.note == ""


@pytest.mark.parametrize(
    ("value", "limit"), [(2.0, 2.0), (2.1, 3.0), (9.0, 10.0), (11.0, 15.0), (148.0, 150.0)]
)
def test_a_wider_axis_ends_at_a_round_number(value: float, limit: float) -> None:
    assert drawn(value, -value).limit == pytest.approx(limit)


def test_a_lonely_outlier_is_counted_and_does_not_squash_the_rest() -> None:
    found = drawn(*([0.1] * 99), 50.0)
    assert (found.limit, found.outside) == (2.0, 1)
    assert found.note == "1 of 100 values lie outside of the axis."
    assert found.series[0].mean == pytest.approx(0.599)


@given(VALUES, VALUES)
def test_every_value_is_in_one_bin_or_counted_outside(one: list[float], two: list[float]) -> None:
    size = min(len(one), len(two))
    found = drawn(*one[:size], other=tuple(two[:size]))
    held = sum(sum(series.counts) for series in found.series)
    assert held + found.outside == 2 * size
    assert found.n == size
    assert found.outside <= 0.03 * 2 * size


def test_the_bins_are_equal_and_symmetric() -> None:
    found = drawn(5.0, -1.0)
    centres = np.array(found.centres)
    assert np.allclose(np.diff(centres), found.width)
    assert np.allclose(centres, -centres[::-1])
    assert centres[0] - found.width / 2 == pytest.approx(-found.limit)


def test_a_histogram_tells_roles_apart_without_colour_and_marks_zero_and_means() -> None:
    figure = histograms.histogram(drawn(1.0, other=(-1.0,)), keep_zoom="j")
    patterns = {bar.name: bar.marker.pattern.shape for bar in figure.data}
    assert patterns == {"chosen": "", "rejected": "/"}
    assert sorted(shape.x0 for shape in figure.layout.shapes) == [-1.0, 0, 1.0]
    assert list(figure.layout.xaxis.range) == [-2.0, 2.0]
