"""Calibration, flips and the agreement of annotators beside a checkpoint's accuracies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from console import charts
from console.views import ceiling, reliability
from labeling.agreement.figure import Figure
from storage import pairs
from storage.rows import Batch
from storage.workspace import Workspace


def test_the_chart_has_a_point_for_every_bin_that_holds_pairs() -> None:
    sure, unsure = float(np.log(9)), float(np.log(1.5))
    margins = np.array([sure] * 9 + [-sure] + [unsure] * 3 + [-unsure] * 2)
    panel = reliability.panel(margins, "oracle")
    measured, ideal = panel.curves
    assert measured.steps == pytest.approx((0.6, 0.9))
    assert measured.values == pytest.approx((0.6, 0.9))
    assert measured.low[1] is not None
    assert ideal.values == (0.5, 1.0)
    assert panel.note.startswith("Pairs in the bins: 5, 10.")
    assert "labels: oracle" in panel.note
    assert "confidence" in charts.alternative(panel, across="confidence")


def test_flips_are_counted_both_ways_and_the_error_has_its_interval() -> None:
    ours, theirs = np.array([1.0, 1.0, -1.0, -1.0, 1.0]), np.array([-1.0, 0.0, -2.0, 2.0, 2.0])
    error = {"value": 0.08, "ci95": [0.05, 0.13], "n": 5, "labels": "oracle"}
    flips, told = reliability.sentences(ours, theirs, {"calibration_error": error})
    assert flips.startswith("Of the 3 pairs that the reference had wrong")
    assert "2 turned to right; of the 2 that it had right, 1 turned to wrong." in flips
    assert told == "Calibration error 8.0% (5.0% to 13.0%), n 5."
    assert len(reliability.sentences(ours, theirs, {})) == 1


def test_the_ceiling_says_what_it_rests_on() -> None:
    found = ceiling.sentence(Figure(0.84, (0.8, 0.88), 120))
    assert "84.0% (80.0% to 88.0%) of these pairs, n 120" in found
    assert "nobody voted" in ceiling.sentence(Figure(None, None, 0, "nobody voted on these pairs"))


def test_the_ceiling_counts_votes_on_the_measured_pairs_alone(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=4, overlap=2)
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 4)]
        label(tx, batch, "ana", dict(zip(ids, ("a", "a", "b", "a"), strict=True)))
        label(tx, batch, "ben", dict(zip(ids, ("a", "b", "b", "tie"), strict=True)))
    every, two = (ceiling.agreement(workspace, some) for some in (ids, ids[:2]))
    # the tie is left out
    assert (every.value, every.n) == (pytest.approx(2 / 3), 3)
    assert (two.value, two.n) == (0.5, 2)
    none = ceiling.agreement(workspace, ["nobody"])
    assert (none.value, none.reason) == (None, "nobody voted on these pairs")
    assert ceiling.as_json(none)["reason"] == "nobody voted on these pairs"
