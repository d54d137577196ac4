"""Calibration as a chart: how often a checkpoint is right where it is so sure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.views import figures, wording
from console.views.curves import Curve, Panel
from console.views.distributions import Array
from training.measuring import calibration
from training.measuring.figures import TIE_NATS

# how sure a choice between two can be
LOWEST, HIGHEST = 0.5, 1.0


def panel(margins: Array, labels: str) -> Panel:
    """Accuracy over confidence, the sigmoid of a margin without its sign, in bins that hold pairs.

    Args:
        margins: implicit reward of chosen minus that of rejected, per pair.
        labels: who decided which answer is chosen.
    """
    found = [one for one in calibration.bins(margins, labels) if one.confidence is not None]
    steps = tuple(float(one.confidence or LOWEST) for one in found)
    ends = [one.accuracy.ci95 or (None, None) for one in found]
    measured = Curve(
        "accuracy",
        "policy",
        steps,
        tuple(one.accuracy.value for one in found),
        tuple(low for low, _ in ends),
        tuple(high for _, high in ends),
    )
    ideal = Curve("as sure as right", "baseline", (LOWEST, HIGHEST), (LOWEST, HIGHEST))
    sizes = ", ".join(f"{one.accuracy.n:,}" for one in found)
    return Panel(
        title="Calibration",
        unit="share",
        curves=(measured, ideal),
        note=f"Pairs in the bins: {sizes}. 95% band, labels: {labels}. Below the dotted line the "
        "checkpoint is too sure.",
    )


def sentences(differences: Array, by_reference: Array, metrics: Mapping[str, Any]) -> list[str]:
    """What was turned and what was lost of the reference's pairs, and the calibration error.

    Args:
        differences, by_reference: log-probability of chosen minus that of rejected (nats), by the
            checkpoint and by its reference.
        metrics: figures of the measurement, by name.
    """
    ours, theirs = differences > TIE_NATS, by_reference > TIE_NATS
    wrong, right = int((~theirs).sum()), int(theirs.sum())
    told = [
        f"Of the {wording.count(wrong, 'pair')} that the reference had wrong, by log-probability, "
        f"{int((ours & ~theirs).sum()):,} turned to right; of the {right:,} that it had right, "
        f"{int((~ours & theirs).sum()):,} turned to wrong."
    ]
    read = figures.reading(metrics.get("calibration_error"))
    if read.value is not None:
        ends = ""
        if read.low is not None and read.high is not None:
            ends = f" ({wording.share(read.low)} to {wording.share(read.high)})"
        told.append(f"Calibration error {wording.share(read.value)}{ends}, n {read.n:,}.")
    return told
