"""Several checkpoints side by side: figures that can be compared, and settings that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.views import checkpoints as views
from console.views import figures, wording
from console.views.measures import MEASURES
from storage import checkpoints, evaluations, models
from storage.ledger import Connection
from storage.rows import Checkpoint
from storage.workspace import Workspace

OWN = "own held-out pairs"


@dataclass(frozen=True)
class Comparison:
    """Rows are figures or settings, columns checkpoints.

    Attributes:
        names: the checkpoints, in the order asked for.
        measurements: what all of them were measured on, such as `v2 all`, the newest first; OWN is
            always the last.
        on: the one of these that `figures` shows.
        figures: title and unit of a figure -> its cell for every checkpoint.
        settings: setting -> its value for every checkpoint; only those that differ.
        fair: all figures are of the same pairs.
        note: what still cannot be compared, as a sentence; empty when all can.
    """

    names: Sequence[str]
    measurements: Sequence[str]
    on: str
    figures: Mapping[str, Sequence[str]]
    settings: Mapping[str, Sequence[str]]
    fair: bool
    note: str


def compare(workspace: Workspace, names: Sequence[str], on: str = "") -> Comparison:
    """Compare checkpoints by name.

    Args:
        on: one of the measurements; the newest that all share when empty or not shared.

    Raises:
        NotFoundError: one of the checkpoints does not exist.
    """
    with workspace.ledger.read() as db:
        rows = [checkpoints.get(db, name) for name in names]
        measured = [_measurements(db, row) for row in rows]
        known = {row.id: row.name for row in checkpoints.listed(db)}
        known |= {row.location: row.name for row in models.listed(db)}
    shared = [place for place in measured[0] if all(place in other for other in measured)]
    places = [*shared, OWN]
    chosen = on if on in places else places[0]
    metrics = [
        row.metrics if chosen == OWN else found[chosen]
        for row, found in zip(rows, measured, strict=True)
    ]
    return Comparison(
        names=[row.name for row in rows],
        measurements=places,
        on=chosen,
        figures=_figures(metrics),
        settings=_differing(rows, known),
        fair=chosen != OWN or len({row.dataset_version for row in rows}) == 1,
        note=_note(rows),
    )


def _measurements(db: Connection, row: Checkpoint) -> dict[str, Mapping[str, Any]]:
    """`v2 all` -> the newest figures of it, the newest first."""
    found: dict[str, Mapping[str, Any]] = {}
    for one in evaluations.listed(db, checkpoint=row.id):
        found.setdefault(f"{one.dataset_version} {one.split}", one.metrics)
    return found


def _figures(metrics: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for measure in MEASURES:
        if any(measure.name in one for one in metrics):
            unit = "" if measure.unit in ("share", "") else f", {measure.unit}"
            found[measure.title + unit] = [views.measured(one, measure.name) for one in metrics]
    if found:
        read = [figures.reading(one.get("preference_accuracy")) for one in metrics]
        found["Pairs (n)"] = ["" if one.n is None else f"{one.n:,}" for one in read]
        found["Labels"] = [one.labels for one in read]
    return found


def _note(rows: Sequence[Checkpoint]) -> str:
    """Rewards of different references are different scales."""
    references = {_reference(row) for row in rows}
    betas = {row.config.get("beta") for row in rows}
    if len(references) == len(betas) == 1:
        return ""
    return (
        "Rewards, KL and validation loss are against different references or with different beta: "
        "only preference accuracy and log-probability difference compare."
    )


def _reference(row: Checkpoint) -> tuple[str, str]:
    """What the checkpoint was trained against: `round_start` is another model for each start."""
    name = str(row.config.get("reference_model", ""))
    return name, (row.parent or row.model) if name == "round_start" else row.model


def _differing(rows: Sequence[Checkpoint], known: Mapping[str, str]) -> dict[str, list[str]]:
    """Names differ anyway, so they are left out."""
    keys = sorted({key for row in rows for key in row.config} - {"model_name", "task_name"})
    found = {key: [_written(row, key) for row in rows] for key in keys}
    starts = [known.get(row.parent or row.model, row.model) for row in rows]
    about = {"dataset": [row.dataset_version for row in rows], "started from": starts}
    return {key: values for key, values in {**about, **found}.items() if len(set(values)) > 1}


def _written(row: Checkpoint, key: str) -> str:
    return views.written(row.config[key]) if key in row.config else wording.NOT_AVAILABLE
