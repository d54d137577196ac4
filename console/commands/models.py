"""pairwright model add, list."""

from __future__ import annotations

from typing import Annotated

import typer

from console.options import Run, shared

_COLUMNS = {
    "model": "name",
    "family": "family",
    "parameters": "parameters",
    "size": "size",
    "lora needs": "lora",
    "full needs": "full",
    "location": "location",
    "note": "note",
}


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
    """List the models with a short name, what they are and whether they fit this machine.

    The memory that a training needs is without activations, which grow with batch_size and the
    longest pair. Of a Hub id that was not downloaded nothing is known.
    """
    from console.views import models as views
    from storage import models
    from training.runs import memory

    with run.workspace() as workspace, workspace.ledger.read() as db:
        known = models.listed(db)
    machine = memory.this_machine()
    rows = [views.as_result(model, machine) for model in known]
    nothing = "No model has a name yet. Add one: pairwright model add NAME DIR"
    if run.output.as_json:
        run.output.show({"models": rows, "machine": machine})
        return
    lines = [views.line(model.name, model.location, machine) for model in known]
    run.output.show_rows("models", lines, _COLUMNS, nothing)
    if lines:
        run.output.say(
            f"This machine has {views.size(machine.memory)} ({machine.name}). Needed memory is "
            "without activations."
        )


COMMANDS = {"add": add, "list": list_models}
