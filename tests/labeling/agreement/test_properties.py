"""What holds for every table of ratings, found by trying many."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.agreement import report, table
from labeling.agreement.figure import Figure
from labeling.agreement.intervals import Resampling
from labeling.agreement.report import Coefficients

QUICK = Resampling(resamples=50)
# the machine may be busy: a timing is never asserted
UNHURRIED = settings(deadline=None)
Judgement = tuple[str, str, str]


@st.composite
def tables(draw: st.DrawFn, labels: str = "xyz", most_raters: int = 5) -> list[Judgement]:
    """Up to 12 items, some judgements missing."""
    cells = draw(
        st.dictionaries(
            st.tuples(st.integers(0, 11), st.integers(0, most_raters - 1)),
            st.sampled_from(labels),
            max_size=40,
        )
    )
    return [(f"i{item}", f"r{rater}", label) for (item, rater), label in cells.items()]


def figures(found: Coefficients) -> list[Figure]:
    return [
        found.percent_agreement,
        found.fleiss_kappa,
        found.krippendorff_alpha,
        found.gwet_ac1,
    ]


def measured(judgements: list[Judgement]) -> Coefficients:
    return report.of_labels(judgements, QUICK).with_ties


@UNHURRIED
@given(tables(), st.randoms(use_true_random=False))
def test_names_and_order_of_raters_items_and_labels_change_nothing(
    judgements: list[Judgement], random: np.random.Generator
) -> None:
    names = {}
    for column in range(3):
        old = sorted({each[column] for each in judgements})
        new = [f"n{number}" for number in range(len(old))]
        random.shuffle(new)  # type: ignore[arg-type]
        names[column] = dict(zip(old, new, strict=True))
    renamed = [(names[0][i], names[1][r], names[2][label]) for i, r, label in judgements]
    random.shuffle(renamed)  # type: ignore[arg-type]
    before, after = measured(judgements), measured(renamed)
    for one, other in zip(figures(before), figures(after), strict=True):
        # whether some resamples are undefined is drawn; whether the value is, is not
        assert (one.n, one.value is None) == (other.n, other.value is None)
        assert one.value == pytest.approx(other.value, abs=1e-12)
    values = {frozenset(pair.raters): pair for pair in after.cohen_kappa}
    for pair in before.cohen_kappa:
        twin = values[frozenset(names[1][name] for name in pair.raters)]
        assert (pair.n, pair.percent_agreement) == (twin.n, twin.percent_agreement)
        assert pair.value == pytest.approx(twin.value, abs=1e-12)


@UNHURRIED
@given(tables())
def test_a_figure_has_a_value_in_range_or_a_reason(judgements: list[Judgement]) -> None:
    found = measured(judgements)
    for figure in figures(found):
        assert figure.n == found.shared
        if figure.value is None:
            assert figure.ci95 is None
            assert figure.reason
            continue
        assert figure.value <= 1 + 1e-9
        if figure.ci95 is None:
            assert figure.reason
        else:
            assert figure.ci95[0] <= figure.ci95[1]
    for pair in found.cohen_kappa:
        assert (pair.value is None) <= bool(pair.reason)
        assert pair.n > 0


@UNHURRIED
@given(tables(most_raters=2))
def test_two_raters_reduce_to_the_closed_forms(judgements: list[Judgement]) -> None:
    by_item: dict[str, list[str]] = {}
    for item, _, label in judgements:
        by_item.setdefault(item, []).append(label)
    shared = [labels for labels in by_item.values() if len(labels) == 2]
    found = measured(judgements)
    n = len(shared)
    assert found.shared == n
    if not n:
        return
    agreed = sum(one == other for one, other in shared) / n
    assert found.percent_agreement.value == pytest.approx(agreed)
    given_labels = [label for labels in shared for label in labels]
    counts = [given_labels.count(label) for label in set(given_labels)]
    # alpha of two raters: 1 - (N - 1) * differing coincidences / products of the label counts
    chance = math.fsum(count * (2 * n - count) for count in counts)
    if chance:
        differing = 2 * n * (1 - agreed)
        alpha = 1 - (2 * n - 1) * differing / chance
        assert found.krippendorff_alpha.value == pytest.approx(alpha)
    else:
        assert found.krippendorff_alpha.value is None


@UNHURRIED
@given(tables())
def test_joint_counts_are_those_of_comparing_two_raters_by_hand(
    judgements: list[Judgement],
) -> None:
    given_labels = {(item, rater): label for item, rater, label in judgements}
    items = {item for item, _, _ in judgements}
    found = {pair.raters: pair for pair in measured(judgements).cohen_kappa}
    raters = sorted({rater for _, rater, _ in judgements})
    for position, one in enumerate(raters):
        for other in raters[position + 1 :]:
            both = [
                given_labels[item, one] == given_labels[item, other]
                for item in items
                if (item, one) in given_labels and (item, other) in given_labels
            ]
            if not both:
                assert (one, other) not in found
                continue
            pair = found.pop((one, other))
            assert pair.n == len(both)
            assert pair.percent_agreement == pytest.approx(sum(both) / len(both))
    assert not found


@UNHURRIED
@given(tables(labels="xy"), st.sampled_from("xy"))
def test_leaving_a_label_out_is_as_if_it_had_never_been_given(
    judgements: list[Judgement], label: str
) -> None:
    columns = list(zip(*judgements, strict=True)) or [(), (), ()]
    left = table.from_columns(*columns).without(label)
    never = table.from_judgements(each for each in judgements if each[2] != label)
    assert (left.items, left.raters, left.labels) == (never.items, never.raters, never.labels)
    assert sorted(left.counts.tolist()) == sorted(never.counts.tolist())


def test_random_votes_centre_on_zero_and_their_intervals_hold_it() -> None:
    random = np.random.default_rng(11)
    values, holding = [], 0
    for _ in range(60):
        labels = random.choice(["a", "b"], size=(80, 3))
        found = report.of_labels(
            (
                (str(item), str(rater), str(labels[item, rater]))
                for item in range(80)
                for rater in range(3)
            ),
            Resampling(resamples=300),
        ).with_ties
        assert found.krippendorff_alpha.value is not None
        assert found.krippendorff_alpha.ci95 is not None
        values.append(found.krippendorff_alpha.value)
        low, high = found.krippendorff_alpha.ci95
        holding += low <= 0 <= high
    # 60 means of 80 items: two standard errors are 0.017
    assert abs(float(np.mean(values))) < 0.03
    # 95% of 60 are 57; fewer than 50 would be an interval that is too narrow
    assert holding >= 50
