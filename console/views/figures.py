"""The figures of a run or a checkpoint: what each one means, its unit, its interval, its labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.views import wording
from console.views.measures import MEASURES, Measure

# a result carries what a figure was before training under this prefix
_START = "start_"
# the reward gap under the name that trainers use, and counts that are no figures
_NOT_SHOWN = {"margin", "step", "steps"}

BY_NAME = {measure.name: measure for measure in MEASURES}


@dataclass(frozen=True)
class Reading:
    """One figure as it was measured.

    Attributes:
        value: None where it is undefined.
        low, high: ends of the 95% interval; None where it has none.
        n: number of pairs (or tokens) behind it; None where unknown.
        labels: who decided the pairs; empty where that does not matter.
        reference: name of the reference behind it; empty where there is none.
        on: `data` or `policy`: whose answers a KL was measured on.
        reason: why the value is undefined.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    labels: str = ""
    reference: str = ""
    on: str = ""
    reason: str = ""


@dataclass(frozen=True)
class FigureLine:
    """A row of a table of figures, ready to draw."""

    figure: str
    value: str
    interval: str
    before: str
    n: str
    labels: str
    reference: str
    meaning: str


def reading(raw: Any) -> Reading:
    """Read `{value, ci95, n, labels, reason}` or a plain number, whatever is missing in it."""
    if not isinstance(raw, Mapping):
        return Reading(value=_number(raw))
    ends = raw.get("ci95")
    both = isinstance(ends, list | tuple) and len(ends) == 2
    low, high = (_number(ends[0]), _number(ends[1])) if both and ends else (None, None)
    n = raw.get("n")
    return Reading(
        value=_number(raw.get("value")),
        low=low,
        high=high,
        n=n if isinstance(n, int) else None,
        labels=str(raw.get("labels") or ""),
        reference=str(raw.get("reference") or ""),
        on=str(raw.get("on") or ""),
        reason=str(raw.get("reason") or ""),
    )


def table(metrics: Mapping[str, Any]) -> list[FigureLine]:
    """The known figures of `metrics`, in the order of MEASURES, then the rest that are figures."""
    known = [measure for measure in MEASURES if measure.name in metrics]
    others = [
        Measure(name, name.replace("_", " ").capitalize(), "", "")
        for name, raw in sorted(metrics.items())
        if name not in BY_NAME and name not in _NOT_SHOWN
        if not name.startswith(_START) and _is_figure(raw)
    ]
    return [_line(measure, metrics) for measure in (*known, *others)]


def _line(measure: Measure, metrics: Mapping[str, Any]) -> FigureLine:
    read = reading(metrics[measure.name])
    start = _START + measure.name
    before = measure.written(reading(metrics[start]).value) if start in metrics else ""
    unit = "" if measure.unit in ("share", "") else f" {measure.unit}"
    unit += f", on {read.on}" if read.on else ""
    if read.value is None:
        value = f"{wording.NOT_AVAILABLE} ({read.reason or 'no value was recorded'})"
    else:
        value = measure.written(read.value) + unit
    interval = ""
    if read.low is not None and read.high is not None:
        interval = f"{measure.written(read.low)} to {measure.written(read.high)}"
    return FigureLine(
        figure=measure.title,
        value=value,
        interval=interval,
        before=before,
        n="" if read.n is None else f"{read.n:,}",
        labels=read.labels,
        reference=read.reference,
        meaning=measure.meaning,
    )


def _is_figure(raw: Any) -> bool:
    return (isinstance(raw, Mapping) and "value" in raw) or wording.is_number(raw)


def _number(raw: Any) -> float | None:
    return float(raw) if wording.is_number(raw) else None
