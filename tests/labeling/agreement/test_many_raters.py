"""Many raters, with judgements missing: the published tables of Fleiss, Krippendorff and Gwet."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.agreement import alpha, fleiss, intervals, report
from labeling.agreement.intervals import Resampling
from labeling.agreement.percent import PERCENT
from labeling.agreement.statistic import Statistic
from labeling.agreement.table import patterns_of

# J. L. Fleiss (1971): 30 patients, 6 psychiatrists; how many said depression, personality disorder,
# schizophrenia, neurosis, other
FLEISS_1971 = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)
# the example of Wikipedia's article on Fleiss' kappa: 10 items, 14 raters
FOURTEEN = (
    "0 0 0 0 14|0 2 6 4 2|0 0 3 5 6|0 3 9 2 0|2 2 8 1 1|"
    "7 7 0 0 0|3 2 6 3 0|2 5 3 2 2|6 5 2 1 0|0 2 2 3 7"
)
# K. Krippendorff (2011): a row per observer, a star where one is missing
BINARY = "0 1 0 0 0 0 0 0 1 0|1 1 1 0 0 1 0 0 0 0"
NOMINAL = "a a b b d c c c e d d a|b a b b b c c c e d d d"
FOUR_OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 * * *|1 2 3 3 2 2 4 1 2 5 * 3|"
    "* 3 3 3 2 3 4 2 2 5 1 *|1 2 3 3 2 4 4 1 2 5 1 *"
)
# K. L. Gwet, raw_4raters: the last item's one judgement is another observer's
FOUR_RATERS = (
    "1 2 3 3 2 1 4 1 2 * * *|1 2 3 3 2 2 4 1 2 5 * *|"
    "* 3 3 3 2 3 4 2 2 5 1 3|1 2 3 3 2 4 4 1 2 5 1 *"
)


def estimated(statistic: Statistic, counts: list[list[float]]) -> float | None:
    table = patterns_of(np.array(counts))
    return intervals.estimate(statistic, table, Resampling(resamples=200)).value


def by_observer(rows: str) -> list[tuple[str, str, str]]:
    return [
        (f"unit {unit}", f"observer {observer}", label)
        for observer, row in enumerate(rows.split("|"))
        for unit, label in enumerate(row.split())
        if label != "*"
    ]


def by_count(rows: str) -> list[tuple[str, str, str]]:
    """Judgements with these counts; who gave which is lost in the table and does not matter."""
    return [
        (f"item {item}", f"rater {rater}", label)
        for item, row in enumerate(rows.split())
        for rater, label in enumerate(
            label for label, count in zip("dpsno", row, strict=True) for _ in range(int(count))
        )
    ]


def test_fleiss_1971_has_its_published_coefficients() -> None:
    found = report.of_labels(by_count(FLEISS_1971)).with_ties
    assert found.percent_agreement.value == pytest.approx(0.555556, abs=1e-6)
    assert found.fleiss_kappa.value == pytest.approx(0.430245, abs=1e-6)
    assert found.krippendorff_alpha.value == pytest.approx(0.433410, abs=1e-6)
    assert found.gwet_ac1.value == pytest.approx(0.447885, abs=1e-6)
    assert (found.items, found.shared, found.raters, found.votes) == (30, 30, 6, 180)
    assert found.shares == pytest.approx(
        {"d": 26 / 180, "p": 26 / 180, "s": 30 / 180, "n": 55 / 180, "o": 43 / 180}
    )


def test_resampled_intervals_of_fleiss_1971_are_near_the_published_ones() -> None:
    """Alpha by 2,000 resamples of another generator: 0.317 to 0.530. AC1 by Gwet's standard error
    of 0.055662 and Fleiss' kappa by 0.054199, both with Student's t."""
    found = report.of_labels(by_count(FLEISS_1971)).with_ties
    assert found.krippendorff_alpha.ci95 == pytest.approx((0.317, 0.530), abs=0.015)
    assert found.gwet_ac1.ci95 == pytest.approx(
        (0.447885 - 2.045 * 0.055662, 0.447885 + 2.045 * 0.055662), abs=0.025
    )
    assert found.fleiss_kappa.ci95 == pytest.approx(
        (0.430245 - 2.045 * 0.054199, 0.430245 + 2.045 * 0.054199), abs=0.025
    )


def test_fourteen_raters_have_the_published_kappa() -> None:
    counts = [[float(n) for n in row.split()] for row in FOURTEEN.split("|")]
    assert estimated(fleiss.FLEISS, counts) == pytest.approx(0.209931, abs=1e-6)


@pytest.mark.parametrize(
    ("counts", "kappa"),
    # the small tables of Randolph's calculator
    [
        ([[7, 1], [3, 5]], 0.161905),
        ([[6, 1, 0], [0, 7, 0]], 0.708333),
        ([[6.99, 0.01], [6.99, 0.01]], -0.166667),
    ],
)
def test_small_tables_have_the_published_kappa(counts: list[list[float]], kappa: float) -> None:
    assert estimated(fleiss.FLEISS, counts) == pytest.approx(kappa, abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "value"), [(BINARY, 0.095238), (NOMINAL, 0.691964), (FOUR_OBSERVERS, 0.743421)]
)
def test_nominal_alpha_is_as_published(rows: str, value: float) -> None:
    found = report.of_labels(by_observer(rows)).with_ties
    assert found.krippendorff_alpha.value == pytest.approx(value, abs=1e-6)


def test_ordinal_alpha_is_as_published() -> None:
    found = report.of_labels(by_observer(FOUR_OBSERVERS)).with_ties
    assert found.krippendorff_alpha_ordinal is not None
    assert found.krippendorff_alpha_ordinal.value == pytest.approx(0.815388, abs=1e-6)


def test_numbers_are_ordered_by_value_and_not_by_spelling() -> None:
    """10 stands after 9: another spelling of the ranks changes nothing."""
    ranks = {"1": "1", "2": "9", "3": "10", "4": "11", "5": "100"}
    respelled = [(unit, who, ranks[label]) for unit, who, label in by_observer(FOUR_OBSERVERS)]
    found = report.of_labels(respelled).with_ties.krippendorff_alpha_ordinal
    assert found is not None
    assert found.value == pytest.approx(0.815388, abs=1e-6)


def test_missing_judgements_are_weighed_as_gwet_does() -> None:
    found = report.of_labels(by_observer(FOUR_RATERS)).with_ties
    assert found.percent_agreement.value == pytest.approx(0.818182, abs=1e-6)
    assert found.gwet_ac1.value == pytest.approx(0.775444, abs=1e-6)
    assert found.fleiss_kappa.value == pytest.approx(0.761169, abs=1e-6)
    assert found.krippendorff_alpha.value == pytest.approx(0.743421, abs=1e-6)
    # the twelfth item has one judgement: it counts for the shares of labels, not for agreement
    assert (found.items, found.shared) == (12, 11)


def test_two_raters_who_differ_and_three_who_agree_are_zero_and_one() -> None:
    counts = [[1.0, 1.0], [3.0, 0.0]]
    assert estimated(PERCENT, counts) == pytest.approx(0.5)
    assert estimated(PERCENT, counts[1:]) == 1.0
    assert estimated(PERCENT, counts[:1]) == 0.0


def test_random_labels_with_uneven_overlap_are_no_agreement() -> None:
    """Rescaling rows to the largest number of raters would give 0.227 here."""
    random = np.random.default_rng(7)
    raters = np.where(random.random(20_000) < 0.9, 2, 3)
    counts = np.stack([random.binomial(raters, 0.5), raters], axis=1)
    counts[:, 1] -= counts[:, 0]
    for statistic in (fleiss.FLEISS, fleiss.AC1, alpha.NOMINAL):
        assert estimated(statistic, counts.astype(float).tolist()) == pytest.approx(0, abs=0.02)
