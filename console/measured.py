"""Metrics as words: a value with its interval, how many pairs are behind it, and whose labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

HEADINGS = ("metric", "value", "95% interval", "n", "labels", "at the start")
# what a table begins with; the rest follows by name
_FIRST = ("preference_accuracy", "reward_accuracy", "reward_gap", "kl_per_token")
_START = "start_"


def rows(metrics: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """A row for every figure; what it was before training stands in the same row."""
    names = [name for name in metrics if not name.startswith(_START)]
    for name in sorted(names, key=lambda name: (_rank(name), name)):
        figure = metrics[name]
        if isinstance(figure, Mapping) and "value" in figure:
            before = metrics.get(_START + name)
            yield (name, *_cells(figure), _value(before) if before else "")


def value_of(figure: Mapping[str, Any]) -> str:
    """`0.820 (0.780 to 0.860, n 412)`, or n/a with the reason."""
    if figure.get("value") is None:
        return _value(figure)
    interval = _interval(figure)
    return f"{_value(figure)} ({interval + ', ' if interval else ''}n {figure.get('n', '?')})"


def value_alone(figure: Mapping[str, Any]) -> str:
    """`0.820`, or n/a with the reason."""
    return _value(figure)


def interval_of(figure: Mapping[str, Any]) -> str:
    """`0.780 to 0.860`; empty without one."""
    return _interval(figure)


def _rank(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _cells(figure: Mapping[str, Any]) -> Sequence[str]:
    return (
        _value(figure),
        _interval(figure),
        str(figure.get("n", "")),
        str(figure.get("labels") or ""),
    )


def _value(figure: Mapping[str, Any]) -> str:
    value = figure.get("value")
    return f"n/a ({figure.get('reason') or 'undefined'})" if value is None else _number(value)


def _interval(figure: Mapping[str, Any]) -> str:
    ends = figure.get("ci95")
    return f"{_number(ends[0])} to {_number(ends[1])}" if ends else ""


def _number(value: float) -> str:
    """Three decimals; what would vanish that way keeps two digits."""
    return f"{value:.2g}" if 0 < abs(value) < 0.01 else f"{value:.3f}"
