"""Figures can be had without the intervals, which take most of the time."""

from __future__ import annotations

from labeling.agreement import report
from labeling.agreement.figure import NOT_RESAMPLED
from labeling.agreement.intervals import Resampling


def test_without_resamples_the_values_are_the_same_and_have_no_interval() -> None:
    said = [("p", "ana", "a"), ("p", "ben", "a"), ("q", "ana", "b"), ("q", "ben", "a")]
    more = [("r", "ana", "b"), ("r", "ben", "b"), ("s", "ana", "a"), ("s", "ben", "a")]
    quick = report.of_labels(said + more, Resampling(resamples=0)).with_ties
    whole = report.of_labels(said + more, Resampling(resamples=50)).with_ties
    assert quick.fleiss_kappa.value == whole.fleiss_kappa.value
    assert quick.krippendorff_alpha.value == whole.krippendorff_alpha.value
    assert (quick.gwet_ac1.ci95, quick.gwet_ac1.reason) == (None, NOT_RESAMPLED)
    assert whole.gwet_ac1.ci95 is not None
