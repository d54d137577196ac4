"""pairwright checkpoint compare."""

from __future__ import annotations

from typing import Annotated

import typer

from console.options import Run, shared

_HEADINGS = ("figure", "pairs", "both right", "only C", "only D", "neither", "D minus C", "p")


@shared
def compare(
    run: Run,
    first: Annotated[str, typer.Argument(metavar="C", help="A checkpoint.")],
    second: Annotated[str, typer.Argument(metavar="D", help="Checkpoint to compare it with.")],
    on: Annotated[
        str,
        typer.Option(
            metavar="PLACE",
            help="A measurement that both have, such as 'v2 holdout'. Default: the largest.",
        ),
    ] = "",
) -> None:
    """Compare two checkpoints on the pairs that both were measured on.

    Counts the pairs that both, only one or neither has right, with McNemar's exact test and the 95%
    interval of the difference, and what each turned of the pairs that its reference had wrong.
    """
    from console.views import checkpoint_pairs
    from storage.errors import NotFoundError

    with run.workspace() as workspace:
        found = checkpoint_pairs.compare(workspace, first, second, on)
    if not found.on:
        raise NotFoundError(
            f"{first} and {second} were never measured on the same pairs.",
            f"Measure both: pairwright evaluate --checkpoint {first} --dataset V, then {second}.",
        )
    told = {
        name: {**vars(one), "n": one.n, "value": one.difference}
        for name, one in found.accuracies.items()
    }
    run.output.show(
        {"checkpoints": found.names, "on": found.on, **told, "reference_wrong": found.flips},
        f"On {found.on}: C is {first}, D is {second}.",
        *checkpoint_pairs.sentences(found),
    )
    if not run.output.as_json:
        rows = [list(vars(line).values()) for line in checkpoint_pairs.lines(found)]
        run.output.table(_HEADINGS, rows)
