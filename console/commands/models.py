"""pairwright model add, list."""

from __future__ import annotations

from typing import Annotated

import typer

from console.options import Run, shared

_COLUMNS = {"model": "name", "location": "location", "added": "created_at"}


@shared
def add(
    run: Run,
    name: Annotated[str, typer.Argument(help="Short name to use in --from.")],
    location: Annotated[
        str, typer.Argument(help="Folder with config, weights and processor, or a Hub id.")
    ],
) -> None:
    """Give a model a short name."""
    from pathlib import Path

    from storage import models

    folder = Path(location).expanduser()
    place = str(folder.resolve()) if folder.is_dir() else location
    with run.workspace() as workspace, workspace.ledger.write() as tx:
        model = models.add(tx, name, place)
    run.output.show(
        {"model": model.name, "location": model.location},
        f"Model {model.name} is {model.location}.",
    )


@shared
def list_models(run: Run) -> None:
    """List the models with a short name."""
    from storage import models

    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = models.listed(db)
    run.output.show_rows(
        "models", found, _COLUMNS, "No model has a name yet. Add one: pairwright model add NAME DIR"
    )


COMMANDS = {"add": add, "list": list_models}
