"""Dawid and Skene's estimates against their own table of 45 patients and five anaesthetists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from labeling.agreement.table import RatingTable, from_columns
from labeling.annotator_models import dawid_skene

# Table 1 of the paper: three answers of observer 1, then one of each of the others
PATIENTS = """
    1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444
    2223343 1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221
    2223222 2212222 1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111
    2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111
    2222222
"""
OBSERVERS = "1112345"


@pytest.fixture(scope="module")
def patients() -> RatingTable:
    """Made by hand: of a rater's several judgements, `from_columns` keeps the last."""
    rows = PATIENTS.split()
    return RatingTable(
        items=len(rows),
        raters=tuple("12345"),
        labels=tuple("1234"),
        item=np.repeat(np.arange(len(rows)), len(OBSERVERS)),
        rater=np.tile([int(observer) - 1 for observer in OBSERVERS], len(rows)),
        label=np.array([int(answer) - 1 for answers in rows for answer in answers]),
    )


def test_the_estimates_are_those_of_the_paper(patients: RatingTable) -> None:
    found = dawid_skene.fit(patients)
    assert found.log_likelihood == pytest.approx(-192.8909, abs=1e-3)
    assert found.shares == pytest.approx([0.3996, 0.4220, 0.1118, 0.0667], abs=1e-4)
    assert np.round(found.shares, 2) == pytest.approx([0.40, 0.42, 0.11, 0.07])
    first = [
        [0.8895, 0.1105, 0, 0],
        [0.0706, 0.8764, 0.0530, 0],
        [0, 0.3388, 0.6612, 0],
        [0, 0, 0.5556, 0.4444],
    ]
    assert found.errors[0] == pytest.approx(np.array(first), abs=1e-4)


def test_only_three_patients_stay_in_doubt(patients: RatingTable) -> None:
    found = dawid_skene.fit(patients)
    most = found.posterior.max(axis=1)
    assert list(np.bincount(found.posterior.argmax(axis=1))) == [18, 19, 5, 3]
    assert {number + 1 for number in np.flatnonzero(most < 0.99)} == {7, 35, 38}
    assert found.posterior[6] == pytest.approx([0.981, 0.019, 0, 0], abs=1e-3)
    assert found.posterior[34] == pytest.approx([0, 0.948, 0.052, 0], abs=1e-3)
    assert found.posterior[37] == pytest.approx([0, 0.0212, 0.9788, 0], abs=1e-3)


def test_the_likelihood_and_the_truth_do_not_depend_on_the_order_of_raters_and_items(
    patients: RatingTable,
) -> None:
    renamed = replace(
        patients,
        raters=patients.raters[::-1],
        item=patients.items - 1 - patients.item,
        rater=4 - patients.rater,
    )
    one, other = dawid_skene.fit(patients), dawid_skene.fit(renamed)
    assert other.log_likelihood == pytest.approx(one.log_likelihood)
    assert other.posterior[::-1] == pytest.approx(one.posterior, abs=1e-6)
    assert other.accuracy[::-1] == pytest.approx(one.accuracy)


def test_without_judgements_nothing_is_said() -> None:
    found = dawid_skene.fit(from_columns([], [], []))
    assert found.posterior.shape == (0, 0)
