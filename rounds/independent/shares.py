"""Shares and ratios of a benchmark's items, with their 95% intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from training.measuring import figures
from training.measuring.figures import Figure

LABELS = "benchmark"


def share(values: Sequence[bool], reason: str, labels: str = LABELS) -> Figure:
    """How many are true, with Wilson's interval; `reason` says why there are none."""
    n = len(values)
    if not n:
        return Figure(None, None, 0, labels, reason)
    return Figure(sum(values) / n, figures.wilson(sum(values), n), n, labels)


def ratio(above: Sequence[int], below: Sequence[int], reason: str) -> Figure:
    """Sum over sum; the interval resamples the items that add to the sum below."""
    counted = [(a, b) for a, b in zip(above, below, strict=True) if b]
    if not counted:
        return Figure(None, None, len(below), LABELS, reason)
    tops, bottoms = ([float(one[at]) for one in counted] for at in (0, 1))
    return replace(figures.ratio(tops, bottoms, LABELS), n=len(below))
