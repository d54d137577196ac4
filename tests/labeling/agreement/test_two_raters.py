"""Two raters: Cohen's kappa and its standard error, and what every coefficient becomes with two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from labeling.agreement import cohen, indices, report
from labeling.agreement.figure import ONE_LABEL, UNIFORM


@dataclass(frozen=True)
class Published:
    """A table of two raters (rows: the first one's labels) with its published coefficients."""

    name: str
    table: list[list[int]]
    percent: float
    kappa: float
    error: float
    ac1: float
    alpha: float


TABLES = (
    Published(
        "Cohen 1968",
        [[88, 14, 18], [10, 40, 10], [2, 6, 12]],
        *(0.70, 0.491525, 0.051002, 0.575972, 0.488462),
    ),
    Published("50 grants", [[20, 5], [10, 15]], *(0.70, 0.400000, 0.126996, 0.405941, 0.400000)),
    Published(
        "same agreement, A", [[45, 15], [25, 15]], *(0.60, 0.130435, 0.098662, 0.266055, 0.125275)
    ),
    Published(
        "same agreement, B", [[25, 35], [5, 35]], *(0.60, 0.259259, 0.077160, 0.207921, 0.195960)
    ),
    Published(
        "SAS, table 10",
        [[0, 4, 1], [0, 8, 0], [0, 1, 5]],
        *(0.684211, 0.484163, 0.138014, 0.555988, 0.467626),
    ),
    Published(
        "Feinstein and Cicchetti 1990",
        [[80, 10], [5, 5]],
        *(0.85, 0.318182, 0.133457, 0.808000, 0.317714),
    ),
    Published("Gwet 2008", [[118, 5], [2, 0]], *(0.944, -0.023392, 0.012287, 0.940776, -0.024691)),
    Published(
        "Gwet, abstractors",
        [[13, 0, 0], [0, 20, 7], [0, 4, 56]],
        *(0.89, 0.796409, 0.058911, 0.849331, 0.797258),
    ),
    Published(
        "Gwet, diagnoses",
        [[40, 4, 4, 17], [6, 25, 2, 13], [4, 1, 21, 12], [15, 5, 9, 45]],
        *(0.587444, 0.431501, 0.045969, 0.456158, 0.431618),
    ),
)
# J. L. Fleiss, J. Cohen, B. S. Everitt (1969): printed with kappa and its standard error only
FLEISS_COHEN_EVERITT = [[106, 10, 4], [22, 28, 10], [2, 12, 6]]
# Scott's pi of TABLES, in their order
SCOTTS_PI = (
    *(0.487179, 0.393939, 0.120879, 0.191919, 0.453237),
    *(0.314286, -0.028807, 0.796240, 0.430341),
)
TIES = [[40, 6, 4], [5, 8, 7], [3, 6, 21]]


def judgements(table: list[list[int]], labels: str = "pqrs") -> list[tuple[str, str, str]]:
    """Every item of the table as one judgement of each of the raters x and y."""
    cells = [
        (labels[row], labels[column])
        for row, counts in enumerate(table)
        for column, count in enumerate(counts)
        for _ in range(count)
    ]
    return [
        (str(item), rater, label)
        for item, cell in enumerate(cells)
        for rater, label in zip("xy", cell, strict=True)
    ]


@pytest.mark.parametrize("published", TABLES, ids=lambda each: each.name)
def test_two_raters_have_the_published_coefficients(published: Published) -> None:
    found = report.of_labels(judgements(published.table)).with_ties
    (pair,) = found.cohen_kappa
    # the tables are printed to six decimals
    assert pair.value == pytest.approx(published.kappa, abs=1e-6)
    assert pair.percent_agreement == pytest.approx(published.percent, abs=1e-6)
    assert found.percent_agreement.value == pytest.approx(published.percent, abs=1e-6)
    assert found.gwet_ac1.value == pytest.approx(published.ac1, abs=1e-6)
    assert found.krippendorff_alpha.value == pytest.approx(published.alpha, abs=1e-6)
    assert (pair.raters, pair.n) == (("x", "y"), sum(map(sum, published.table)))
    assert found.percent_agreement.n == pair.n


@pytest.mark.parametrize("published", TABLES, ids=lambda each: each.name)
def test_kappa_has_the_published_large_sample_error(published: Published) -> None:
    error = cohen.standard_error(np.array(published.table))
    assert error == pytest.approx(published.error, abs=1e-6)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        ([[0, 4, 1], [0, 8, 0], [0, 1, 5]], 0.213661, 0.754665),
        ([[20, 5], [10, 15]], 0.151092, 0.648908),
        ([[13, 0, 0], [0, 20, 7], [0, 4, 56]], 0.680947, 0.911872),
    ],
)
def test_kappa_has_the_published_interval(table: list[list[int]], low: float, high: float) -> None:
    (pair,) = report.of_labels(judgements(table)).with_ties.cohen_kappa
    assert pair.ci95 == pytest.approx((low, high), abs=1e-6)


def test_the_table_of_fleiss_cohen_and_everitt_has_its_published_kappa_and_error() -> None:
    (pair,) = report.of_labels(judgements(FLEISS_COHEN_EVERITT)).with_ties.cohen_kappa
    assert pair.value == pytest.approx(0.428571, abs=1e-6)
    error = cohen.standard_error(np.array(FLEISS_COHEN_EVERITT))
    assert error == pytest.approx(0.053711, abs=1e-6)


@pytest.mark.parametrize(
    ("published", "pi"),
    list(zip(TABLES, SCOTTS_PI, strict=True)),
    ids=lambda each: getattr(each, "name", ""),
)
def test_two_raters_have_the_published_pi(published: Published, pi: float) -> None:
    found = report.of_labels(judgements(published.table)).with_ties
    assert found.fleiss_kappa.value == pytest.approx(pi, abs=1e-6)


@pytest.mark.parametrize(
    ("table", "prevalence", "bias"),
    [
        ([[80, 10], [5, 5]], 0.75, 0.05),
        ([[118, 5], [2, 0]], 0.944, 0.024),
        ([[45, 15], [25, 15]], 0.30, 0.10),
        ([[25, 35], [5, 35]], 0.10, 0.30),
        # what nobody says is no label of theirs
        ([[20, 5, 0], [10, 15, 0], [0, 0, 0]], 0.10, 0.10),
        ([[7]], 1.0, 0.0),
    ],
)
def test_prevalence_and_bias_are_those_of_byrt_bishop_and_carlin(
    table: list[list[int]], prevalence: float, bias: float
) -> None:
    counts = np.array(table)
    assert indices.prevalence(counts) == pytest.approx(prevalence, abs=1e-12)
    assert indices.bias(counts) == pytest.approx(bias, abs=1e-12)


@pytest.mark.parametrize(
    "published", [each for each in TABLES if len(each.table) == 2], ids=lambda each: each.name
)
def test_kappa_follows_from_agreement_prevalence_and_bias(published: Published) -> None:
    """Byrt, Bishop and Carlin (1993): with two labels nothing else is in it."""
    (pair,) = report.of_labels(judgements(published.table)).with_ties.cohen_kappa
    even = 2 * published.percent - 1
    shift = pair.prevalence**2 - pair.bias**2
    assert (even - shift) / (1 - shift) == pytest.approx(published.kappa, abs=1e-6)


@pytest.mark.parametrize("published", TABLES, ids=lambda each: each.name)
def test_fleiss_kappa_of_two_raters_is_scotts_pi(published: Published) -> None:
    table = np.array(published.table)
    n = table.sum()
    shares = (table.sum(axis=0) + table.sum(axis=1)) / (2 * n)
    agreed, chance = np.trace(table) / n, (shares**2).sum()
    found = report.of_labels(judgements(published.table)).with_ties
    assert found.fleiss_kappa.value == pytest.approx((agreed - chance) / (1 - chance), abs=1e-12)


def test_a_flipped_orientation_changes_kappa_and_not_the_votes() -> None:
    """Half of the items coded the other way round: the paradox pair of Feinstein and Cicchetti."""
    skewed = report.of_labels(judgements([[80, 10], [5, 5]])).with_ties
    cells = judgements([[80, 10], [5, 5]])
    other = {"p": "q", "q": "p"}
    # the hash of an item's id is as likely to flip an item of any cell
    flipped = [(f"{item}'", rater, other[label]) for item, rater, label in cells]
    symmetric = report.of_labels(cells + flipped).with_ties
    assert skewed.cohen_kappa[0].value == pytest.approx(0.318182, abs=1e-6)
    assert symmetric.cohen_kappa[0].value == pytest.approx(0.70, abs=1e-6)
    assert symmetric.gwet_ac1.value == pytest.approx(0.70, abs=1e-6)


def test_without_ties_an_item_that_either_called_a_tie_is_left_out() -> None:
    cells = [
        (item, rater, {"p": "a", "q": "tie", "r": "b"}[label])
        for item, rater, label in judgements(TIES)
    ]
    both = report.of_labels(cells)
    (pair,) = both.with_ties.cohen_kappa
    assert (pair.n, round(pair.percent_agreement, 4)) == (100, 0.69)
    assert pair.value == pytest.approx(0.5032, abs=5e-5)
    assert both.with_ties.gwet_ac1.value == pytest.approx(0.5495, abs=5e-5)
    assert both.without_ties is not None
    (pair,) = both.without_ties.cohen_kappa
    assert (pair.n, round(pair.percent_agreement, 4)) == (68, 0.8971)
    assert pair.value == pytest.approx(0.7767, abs=5e-5)


def test_kappa_is_undefined_when_both_always_say_the_same() -> None:
    found = report.of_labels(judgements([[7]])).with_ties
    (pair,) = found.cohen_kappa
    assert (pair.value, pair.ci95, pair.percent_agreement) == (None, None, 1.0)
    assert pair.reason == UNIFORM
    for figure in (found.fleiss_kappa, found.krippendorff_alpha, found.gwet_ac1):
        assert (figure.value, figure.ci95, figure.reason, figure.n) == (None, None, UNIFORM, 7)
    assert found.percent_agreement.value == 1.0


def test_kappa_has_no_interval_when_one_rater_has_one_label() -> None:
    (pair,) = report.of_labels(judgements([[9, 0], [6, 0]])).with_ties.cohen_kappa
    assert (pair.value, pair.ci95, pair.reason) == (0.0, None, ONE_LABEL)


def test_perfect_agreement_keeps_an_interval_that_narrows_with_the_number_of_items() -> None:
    lows = []
    for n in (5, 50, 500):
        found = report.of_labels(judgements([[n, 0], [0, n]])).with_ties
        (pair,) = found.cohen_kappa
        for value, interval in (
            (pair.value, pair.ci95),
            (found.krippendorff_alpha.value, found.krippendorff_alpha.ci95),
            (found.percent_agreement.value, found.percent_agreement.ci95),
        ):
            assert value == pytest.approx(1.0)
            assert interval is not None
            assert interval[0] < interval[1] == pytest.approx(1.0)
        assert pair.ci95 is not None
        lows.append(pair.ci95[0])
    assert lows == sorted(lows)
