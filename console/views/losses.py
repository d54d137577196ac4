"""How to read the two losses of a training, and one cautious sentence about the losses of a run.

The three cases are those of the product's own guide to its loss chart. What counts as falling or
rising is ours: a change has to be larger than the noise of the batches, or than a small share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, variance

from console.views import wording
from console.views.curves import Curve, Panel

# fewer points than these say nothing
FEWEST_TRAINING = 12
FEWEST_VALIDATION = 3
# a smaller change, as a share of where the loss began, is called no change
SMALLEST_CHANGE = 0.02
# standard errors of the difference between the first and the last quarter
CERTAIN = 2.0

FALLS, RISES, FLAT, UNKNOWN = "falls", "rises", "stays", "unknown"

GUIDE = (
    ("Both fall", "The model is learning."),
    ("Training falls, validation rises", "Over-fitting: stop, or train fewer epochs."),
    ("Both stay high", "Not learning: raise the learning rate, or add data."),
    ("Training rises, or is no number", "Unstable: lower the learning rate."),
)
START = (
    "Training loss is noisy, a batch at a time: look at its trend. A run that starts at its "
    "reference starts at ln 2, 0.693, for both."
)


@dataclass(frozen=True)
class Trend:
    """Where a loss went. `lowest` and `at` (a step) are of the lowest point."""

    way: str
    first: float = 0.0
    last: float = 0.0
    lowest: float = 0.0
    at: float = 0.0
    points: int = 0


def sentence(loss: Panel, *, is_final: bool) -> str:
    """What the losses of this run do, as far as they can tell."""
    training, validation = (_curve(loss, name) for name in ("training", "validation"))
    if training.points == 0 and validation.points == 0:
        return ""
    said = _said(_noisy(training), _measured(validation), validation)
    broken = len(training.values) - training.points
    if broken:
        said = (
            f"Training loss was no number at {wording.count(broken, 'point')}: the run is "
            f"unstable. Lower the learning rate. {said}"
        )
    return f"{'This run' if is_final else 'So far'}: {said[:1].lower()}{said[1:]}"


def _said(training: Trend, validation: Trend, measured: Curve) -> str:
    if training.way == UNKNOWN and validation.way == UNKNOWN:
        return (
            f"Too few points to say anything ({training.points} of training, "
            f"{validation.points} of validation; {FEWEST_TRAINING} and {FEWEST_VALIDATION} are "
            "needed)."
        )
    verdict = _VERDICTS.get((training.way, validation.way), "") or _ALONE[validation.way]
    if validation.way == UNKNOWN:
        verdict = _ALONE_IN_TRAINING[training.way] + (
            f" Validation has {wording.count(validation.points, 'point')}, "
            f"{FEWEST_VALIDATION} are needed to see over-fitting."
            if measured.points
            else " Nothing is held out, so over-fitting cannot be seen."
        )
    return f"{verdict} {_figures(training, validation)}"


_VERDICTS = {
    (FALLS, FALLS): "Both losses fall: the model is learning.",
    (FALLS, RISES): "Training loss falls while validation loss rises: the model is over-fitting. "
    "Stop, or train fewer epochs.",
    (FALLS, FLAT): "Training loss falls, validation loss hardly changes: what is learned does not "
    "carry over to the held-out pairs. More data may help more than more epochs.",
    (FLAT, FLAT): "Neither loss changes much: the model is not learning. Raise the learning rate, "
    "or add data.",
    (FLAT, RISES): "Validation loss rises and training loss hardly changes. Review the data and "
    "the learning rate.",
    (RISES, RISES): "Both losses rise: training is unstable. Lower the learning rate.",
    (RISES, FLAT): "Training loss rises: training may be unstable. Lower the learning rate.",
}
# where the other curve says too little
_ALONE = {
    FALLS: "Validation loss falls, which is a good sign; the trend of training loss is not clear.",
    RISES: "Validation loss rises; the trend of training loss is not clear. Look again later.",
    FLAT: "Validation loss hardly changes; the trend of training loss is not clear.",
    UNKNOWN: "",
}
_ALONE_IN_TRAINING = {
    FALLS: "Training loss falls.",
    RISES: "Training loss rises: training may be unstable. Lower the learning rate.",
    FLAT: "Training loss hardly changes. Raise the learning rate, or add data.",
    UNKNOWN: "",
}


def _figures(training: Trend, validation: Trend) -> str:
    parts = []
    if training.way != UNKNOWN:
        quarter = training.points // 4
        parts.append(
            f"training {_arrow(training)} (means of the first and the last "
            f"{wording.count(quarter, 'point')})"
        )
    if validation.way != UNKNOWN:
        lowest = ""
        if validation.lowest < validation.last:
            lowest = f", lowest {wording.decimal(validation.lowest)} at step {validation.at:g}"
        parts.append(
            f"validation {_arrow(validation)}{lowest} "
            f"({wording.count(validation.points, 'measurement')})"
        )
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _arrow(trend: Trend) -> str:
    return f"{wording.decimal(trend.first)} to {wording.decimal(trend.last)}"


def _noisy(curve: Curve) -> Trend:
    """The trend of a loss per batch: the last quarter's mean against the first quarter's."""
    values = [value for value in curve.values if value is not None]
    if len(values) < FEWEST_TRAINING:
        return Trend(UNKNOWN, points=len(values))
    quarter = len(values) // 4
    begin, end = values[:quarter], values[-quarter:]
    first, last = fmean(begin), fmean(end)
    error = math.sqrt(variance(begin) / quarter + variance(end) / quarter)
    least = max(CERTAIN * error, SMALLEST_CHANGE * abs(first))
    return Trend(_way(first, last, least), first, last, min(values), points=len(values))


def _measured(curve: Curve) -> Trend:
    """The trend of a loss measured on the same pairs every time. It rises when the last two
    measurements are above the lowest one before them.
    """
    found = [
        (step, value)
        for step, value in zip(curve.steps, curve.values, strict=True)
        if value is not None
    ]
    if len(found) < FEWEST_VALIDATION:
        return Trend(UNKNOWN, points=len(found))
    first, last = found[0][1], found[-1][1]
    least = SMALLEST_CHANGE * abs(first)
    at, lowest = min(found, key=lambda each: each[1])
    over = [value > lowest + least for _, value in found[-2:]]
    way = RISES if all(over) and at < found[-2][0] else _way(first, last, least)
    if way == RISES and not all(over):
        # one measurement alone above the others
        way = FLAT
    return Trend(way, first, last, lowest, at, len(found))


def _way(first: float, last: float, least: float) -> str:
    if abs(last - first) <= least:
        return FLAT
    return FALLS if last < first else RISES


def _curve(loss: Panel, name: str) -> Curve:
    empty = Curve(name, "policy", (), ())
    return next((curve for curve in loss.curves if curve.name == name), empty)
