"""pairwright checkpoint list, show, activate, rollback, diff, merge, push, pull."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import (
    checkpoint_compare,
    checkpoint_diff,
    checkpoint_lineage,
    independent,
    merging,
    publishing,
)
from console.commands.independent import RequireIndependent
from console.options import Run, shared

if TYPE_CHECKING:
    from pathlib import Path

    from storage.rows import Activation, Checkpoint
    from storage.workspace import Workspace

_COLUMNS = {
    "checkpoint": "name",
    "dataset": "dataset_version",
    "kind": "kind",
    "preference accuracy": "preference_accuracy",
    "created": "created_at",
    "in use": "active",
}
_WHEN_NONE = "There is no checkpoint yet. Train one: pairwright train --dataset V --from MODEL"

Name = Annotated[str, typer.Argument(metavar="CHECKPOINT", help="Name or id of a checkpoint.")]
By = Annotated[
    str,
    typer.Option(
        "--by", metavar="NAME", help="Who does it. Default: the user.", show_default=False
    ),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the history.")]


@shared
def list_checkpoints(run: Run) -> None:
    """List the checkpoints."""
    from console import measured
    from storage import activations, checkpoints

    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = checkpoints.listed(db)
        active = activations.active(db)
    rows = [as_result(row) | {"active": row == active} for row in found]
    if not run.output.as_json:
        for row in rows:
            figure = row["metrics"].get("preference_accuracy")
            row["preference_accuracy"] = measured.value_of(figure) if figure else ""
            row["active"] = "in use" if row["active"] else ""
    run.output.show_rows("checkpoints", rows, _COLUMNS, _WHEN_NONE)


@shared
def show(run: Run, checkpoint: Name) -> None:
    """Show lineage, files and figures of a checkpoint."""
    from console import measured
    from storage import activations, checkpoints, independent_results, publications

    with run.workspace() as workspace:
        found = _get(workspace, checkpoint)
        with workspace.ledger.read() as db:
            line = [row.name for row in checkpoints.lineage(db, found.id)]
            is_active = activations.active(db) == found
            pushed = publications.listed(db, found.id, "checkpoint")
            results = independent_results.newest(db, found.id)
        folder = run.home / found.path
        sha = _digest(run, folder)
        run.output.show(
            as_result(found)
            | {"lineage": line, "active": is_active, "folder": str(folder), "sha256": sha}
            | {"publications": publishing.as_results(pushed)}
            | {"independent": independent.as_results(results)},
            f"Checkpoint {found.name} ({found.kind}), id {found.id}"
            f"{', in use' if is_active else ''}",
            f"  from: {' -> '.join([found.model, *line])}",
            f"  dataset: {found.dataset_version}, job: {found.job_id}",
            f"  folder: {folder}",
            f"  sha256 of its files: {sha or 'n/a'}",
            *publishing.lines(pushed),
        )
        if not run.output.as_json:
            run.output.table(measured.HEADINGS, measured.rows(found.metrics))
            independent.show_beside(run, workspace, found)


@shared
def activate(
    run: Run,
    checkpoint: Name,
    reason: Reason = "",
    by: By = "",
    require_independent: RequireIndependent = False,
) -> None:
    """Take a checkpoint into use.

    Kept as an event with who and why; `checkpoint rollback` goes back. It warns where nothing
    independent measured the checkpoint, or where it lost what the start of its round could do.
    """
    from storage import activations

    with run.workspace() as workspace:
        found = _get(workspace, checkpoint)
        independent.warn(run, workspace, found, require_independent)
        with workspace.ledger.write() as tx:
            event = activations.activate(tx, found.id, actor=by or os_user(), reason=reason)
        _show_event(run, workspace, event)


@shared
def rollback(run: Run, reason: Reason = "", by: By = "") -> None:
    """Go back to the checkpoint that was in use before.

    A second rollback goes one further back.
    """
    from storage import activations

    with run.workspace() as workspace:
        with workspace.ledger.write() as tx:
            event = activations.rollback(tx, actor=by or os_user(), reason=reason)
        _show_event(run, workspace, event)


COMMANDS = {
    "list": list_checkpoints,
    "show": show,
    "activate": activate,
    "rollback": rollback,
    "compare": checkpoint_compare.compare,
    "diff": checkpoint_diff.diff,
    "references": checkpoint_diff.references,
    "lineage": checkpoint_lineage.lineage,
    "merge": merging.merge,
    "push": publishing.push_checkpoint,
    "pull": publishing.pull_checkpoint,
}


def as_result(checkpoint: Checkpoint) -> dict[str, Any]:
    """What --json prints about a checkpoint."""
    found = dict(vars(checkpoint))
    return {"checkpoint": found.pop("id"), **found, "metrics": dict(checkpoint.metrics)}


def os_user() -> str:
    """The user of this machine who runs the program."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # a container may run as a number without a name
        return "unknown"


def _get(workspace: Workspace, checkpoint: str) -> Checkpoint:
    from console import names
    from storage import checkpoints

    with workspace.ledger.read() as db:
        known = [name for row in checkpoints.listed(db) for name in (row.name, row.id)]
        names.check("checkpoint", checkpoint, known, _WHEN_NONE)
        return checkpoints.get(db, checkpoint)


def _digest(run: Run, folder: Path) -> str | None:
    """The digest over the files of a checkpoint; None, said in a sentence, without a manifest."""
    from storage.errors import DamagedError
    from training.runs import manifest

    try:
        return manifest.read(folder).sha256
    except DamagedError as error:
        run.output.say(f"{error.what} {error.next_step}")
        return None


def _show_event(run: Run, workspace: Workspace, event: Activation) -> None:
    from storage import activations, checkpoints

    with workspace.ledger.read() as db:
        found = checkpoints.get(db, event.checkpoint_id or "")
        before = activations.previous(db)
    told = dict(vars(event))
    run.output.show(
        {"event": told.pop("id"), **told, "checkpoint": found.id, "name": found.name}
        | {"folder": str(run.home / found.path), "previous": before.name if before else None},
        f"Checkpoint {found.name} is in use, by {event.actor}.",
        f"  folder: {run.home / found.path}",
    )
    if before:
        run.output.say(f"Go back to {before.name}: pairwright checkpoint rollback")
