"""pairwright checkpoint list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from storage.rows import Checkpoint

_COLUMNS = {
    "checkpoint": "name",
    "dataset": "dataset_version",
    "kind": "kind",
    "preference accuracy": "preference_accuracy",
    "created": "created_at",
}
_WHEN_NONE = "There is no checkpoint yet. Train one: pairwright train --dataset V --from MODEL"


@shared
def list_checkpoints(run: Run) -> None:
    """List the checkpoints."""
    from console import measured
    from storage import checkpoints

    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = checkpoints.listed(db)
    rows = [as_result(row) for row in found]
    if not run.output.as_json:
        for row in rows:
            figure = row["metrics"].get("preference_accuracy")
            row["preference_accuracy"] = measured.value_of(figure) if figure else ""
    run.output.show_rows("checkpoints", rows, _COLUMNS, _WHEN_NONE)


@shared
def show(
    run: Run,
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="Name or id of a checkpoint.")
    ],
) -> None:
    """Show lineage and figures of a checkpoint."""
    from console import measured, names
    from storage import checkpoints

    with run.workspace() as workspace, workspace.ledger.read() as db:
        known = [name for row in checkpoints.listed(db) for name in (row.name, row.id)]
        names.check("checkpoint", checkpoint, known, _WHEN_NONE)
        found = checkpoints.get(db, checkpoint)
        line = [row.name for row in checkpoints.lineage(db, found.id)]
    run.output.show(
        as_result(found) | {"lineage": line},
        f"Checkpoint {found.name} ({found.kind}), id {found.id}",
        f"  from: {' -> '.join([found.model, *line])}",
        f"  dataset: {found.dataset_version}, job: {found.job_id}",
        f"  folder: {run.home / found.path}",
    )
    if not run.output.as_json:
        run.output.table(measured.HEADINGS, measured.rows(found.metrics))


COMMANDS = {"list": list_checkpoints, "show": show}


def as_result(checkpoint: Checkpoint) -> dict[str, Any]:
    """What --json prints about a checkpoint."""
    found = dict(vars(checkpoint))
    return {"checkpoint": found.pop("id"), **found, "metrics": dict(checkpoint.metrics)}
