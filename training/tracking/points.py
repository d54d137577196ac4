"""The figures in a run's events, as trackers take them: one number under one name."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# an interval becomes two curves beside that of the value
_INTERVAL = ("low", "high")


@dataclass(frozen=True)
class Point:
    """Figures of one step.

    Attributes:
        sequence: of the event that said them.
        at: when it was said, in microseconds since 1970.
        values: `split/figure` -> number, finite.
    """

    sequence: int
    step: int
    epoch: float
    at: int
    values: Mapping[str, float]


class Points:
    """Reads the metrics of `events.jsonl` as it grows. A line counts when it is whole."""

    def __init__(self, events_file: Path, after: int) -> None:
        """`after` is the sequence of the last event that is known already."""
        self._file = events_file
        self._after = after
        self._offset = 0

    def fresh(self, most: int = 500) -> list[Point]:
        """What was said since the last call, at most so many points."""
        found: list[Point] = []
        if not self._file.exists():
            return found
        with self._file.open("rb") as events:
            events.seek(self._offset)
            while len(found) < most and (line := events.readline()).endswith(b"\n"):
                self._offset += len(line)
                point = _point(line)
                if point is not None and point.sequence > self._after:
                    found.append(point)
        return found


def numbers(values: Mapping[str, Any], prefix: str) -> dict[str, float]:
    """Every finite number in figures, under names joined by `/`.

    A figure `{value, ci95}` keeps its name, its interval gets `_low` and `_high`. Words and lists
    are left out: no tracker draws a curve of them.
    """
    return dict(_numbers(values, prefix))


def _numbers(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        key = f"{prefix}/{name}" if prefix else name
        if isinstance(value, Mapping) and "value" in value:
            yield from _figure(key, value)
        elif isinstance(value, Mapping):
            yield from _numbers(value, key)
        elif _is_number(value):
            yield key, float(value)


def _figure(key: str, figure: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    if _is_number(figure["value"]):
        yield key, float(figure["value"])
    for end, bound in zip(_INTERVAL, figure.get("ci95") or (), strict=False):
        if _is_number(bound):
            yield f"{key}_{end}", float(bound)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _point(line: bytes) -> Point | None:
    """None for an event of another kind, and for a line that is no event."""
    try:
        event = json.loads(line)
        said = event["payload"]
        if event["kind"] != "metric":
            return None
        values = numbers(said["values"], said["split"])
        return Point(event["sequence"], said["step"], said["epoch"], event["at"], values)
    except (ValueError, KeyError, TypeError):
        return None
