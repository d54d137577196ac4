"""Alike items are looked at once, and the models say what they say of every item by itself."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.agreement.table import RatingTable, from_columns
from labeling.annotator_models import accuracy, alike, dawid_skene, mace


def _table(items: int, raters: int, labels: int, seed: int) -> RatingTable:
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, labels, items)
    rows = [
        (f"{item:05}", f"{rater:02}", "abcde"[truth[item] if draw.random() < 0.75 else 0])
        for item in range(items)
        for rater in draw.permutation(raters)[: draw.integers(1, raters + 1)]
    ]
    return from_columns(*map(list, zip(*rows, strict=True)))


@pytest.fixture(params=[(300, 4, 2), (60, 14, 3)], ids=["few people", "too many to be alike"])
def table(request: pytest.FixtureRequest) -> RatingTable:
    return _table(*request.param, seed=7)


def _counts_by_loop(table: RatingTable, truth: np.ndarray) -> np.ndarray:
    found = np.zeros((len(table.raters), len(table.labels), len(table.labels)))
    for item, rater, label in zip(table.item, table.rater, table.label, strict=True):
        found[rater, label] += truth[item]
    return found


def test_sums_over_groups_are_sums_over_all_judgements(table: RatingTable) -> None:
    groups = alike.of_table(table)
    draw = np.random.default_rng(1)
    truth = draw.random((len(groups.times), groups.labels))
    worth = draw.random((groups.raters, groups.labels, groups.labels))
    scores = np.zeros((table.items, groups.labels))
    for item, rater, label in zip(table.item, table.rater, table.label, strict=True):
        scores[item] += worth[rater, label]
    assert groups.scores(worth)[groups.group] == pytest.approx(scores, abs=1e-12)
    by_loop = _counts_by_loop(table, truth[groups.group])
    assert groups.expected(truth) == pytest.approx(by_loop, abs=1e-9)
    shares = table.counts / table.counts.sum(axis=1, keepdims=True)
    assert groups.shares()[groups.group] == pytest.approx(shares, abs=1e-12)
    assert groups.times.sum() == table.items


def test_few_people_leave_few_groups_and_known_items_have_their_own() -> None:
    table = _table(500, 3, 2, seed=5)
    assert len(alike.of_table(table).times) < 30
    known = np.zeros(table.items, np.int64)
    known[:7] = 1
    groups = alike.of_table(table, known)
    assert not set(groups.group[:7]) & set(groups.group[7:])


def test_no_model_depends_on_what_is_alike(
    table: RatingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {0: 1, 5: 0}
    together = (dawid_skene.fit(table, 0.01), mace.fit(table), accuracy.estimate(table, known))
    monkeypatch.setattr(alike, "_BITS", 0)
    assert len(alike.of_table(table).times) == table.items
    apart = (dawid_skene.fit(table, 0.01), mace.fit(table), accuracy.estimate(table, known))
    assert together[0].posterior == pytest.approx(apart[0].posterior, abs=1e-9)
    assert together[0].log_likelihood == pytest.approx(apart[0].log_likelihood, rel=1e-12)
    assert together[1].competence == pytest.approx(apart[1].competence, abs=1e-9)
    for name, one in together[2].items():
        assert one.value == pytest.approx(apart[2][name].value, abs=1e-12)
