"""Figures in a card: a table with n and intervals, and the same for the model index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult

TASK = "image-text-to-text"
# name in the ledger -> heading in the card
TOLD = {
    "preference_accuracy": "preference accuracy",
    "reference_preference_accuracy": "preference accuracy of the reference",
    "longer_wins_accuracy": "accuracy of `the longer one wins`",
    "reward_accuracy": "reward accuracy",
    "reward_gap": "reward gap",
    "kl_per_token": "KL per response token (nats)",
    "validation_loss": "validation loss",
    "token_accuracy": "accuracy of the next token",
}
_START = "start_"
_WHOSE = {"own": "here", "imported": "with another tool", "red-team": "by blind review"}


def table(metrics: Mapping[str, Any]) -> list[str]:
    """Lines of a Markdown table; what a figure was before the training stands in its row."""
    rows = list(_rows(metrics))
    if not rows:
        return ["No figures are recorded."]
    return [
        "| figure | value | 95% interval | n | labels | before |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def beside(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a Markdown table of independent results: every figure, no part of a benchmark."""
    rows = [
        (
            one["benchmark"],
            _WHOSE[one["kind"]],
            name.replace("_", " "),
            *_cells(figure),
            one["made"],
        )
        for one in found
        for name, figure in one["metrics"].items()
        if "/" not in name and isinstance(figure, Mapping) and "value" in figure
    ]
    return [
        "| benchmark | measured | figure | value | 95% interval | n | on |",
        "|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(map(_escaped, row))} |" for row in rows),
    ]


def results(
    metrics: Mapping[str, Any], *, dataset: str, name: str, revision: str
) -> list[EvalResult]:
    """The figures that have a value as entries of the model index."""
    return [
        EvalResult(
            task_type=TASK,
            dataset_type=dataset,
            dataset_name=name,
            dataset_revision=revision,
            metric_type=key,
            metric_name=f"{heading} (n {metrics[key].get('n')})",
            metric_value=metrics[key]["value"],
        )
        for key, heading in TOLD.items()
        if _has_value(metrics.get(key))
    ]


def _rows(metrics: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for key, heading in TOLD.items():
        figure = metrics.get(key)
        if not isinstance(figure, Mapping):
            continue
        yield (
            heading,
            *_cells(figure),
            str(figure.get("labels", "")),
            _number((metrics.get(_START + key) or {}).get("value")),
        )


def _cells(figure: Mapping[str, Any]) -> tuple[str, str, str]:
    """Value, interval and n; a value of 0 is a number, too."""
    ends, n = figure.get("ci95"), figure.get("n")
    return (
        _number(figure.get("value")) or f"n/a ({figure.get('reason') or 'undefined'})",
        f"{_number(ends[0])} to {_number(ends[1])}" if ends else "",
        "" if n is None else str(n),
    )


def _escaped(text: str) -> str:
    """As the cell of a table, whatever a file of others calls itself."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _has_value(figure: Any) -> bool:
    return isinstance(figure, Mapping) and figure.get("value") is not None


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.2g}" if 0 < abs(value) < 0.01 else f"{value:.3f}"
