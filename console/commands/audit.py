"""pairwright audit draw, list, release."""

from __future__ import annotations

from typing import Annotated

import typer

from console.options import Run, shared

_COLUMNS = {
    "draw": "number",
    "pairs": "pairs",
    "batch": "batch",
    "seed": "seed",
    "by": "actor",
    "reason": "reason",
    "released": "released",
    "drawn": "created_at",
}
_WHEN_NONE = "Nothing is kept from training yet: pairwright audit draw --size 500"

Batch = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this batch. Default: all of them.")
]
By = Annotated[str, typer.Option(metavar="WHO", help="Who says so.")]


@shared
def draw(
    run: Run,
    size: Annotated[
        int, typer.Option(min=1, metavar="N", help="Pairs to keep; 500 and more tell rounds apart.")
    ],
    batch: Batch = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Draws the pairs.")] = 0,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept for good.")] = "audit set",
    by: By = "lead",
) -> None:
    """Keep pairs from every training and mining, to measure all rounds on them.

    Drawn uniformly from pairs that never trained, with all that share a picture with them. Experts
    label them as any other. `dataset build --audit` makes the version that evaluations use.
    """
    from console.commands.batches import check_known
    from rounds import audit

    with run.workspace() as workspace:
        check_known(workspace, batch)
        found = audit.draw(workspace, size=size, batch=batch, seed=seed, actor=by, reason=reason)
    trained = f", {found.trained} had trained and could not be drawn" if found.trained else ""
    run.output.show(
        vars(found),
        f"Draw {found.number}: {found.drawn} of {found.pairs} pairs are kept from training"
        f"{trained}.",
        "Once they are labeled: pairwright dataset build --audit",
        f"Take it back with: pairwright audit release {found.number} --reason TEXT",
    )


@shared
def list_draws(run: Run) -> None:
    """List the draws of the audit set."""
    from storage import audit_set

    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = audit_set.draws(db)
    rows = [vars(one) | {"batch": one.batch or "all"} for one in found]
    run.output.show_rows("draws", rows, _COLUMNS, _WHEN_NONE)


@shared
def release(
    run: Run,
    number: Annotated[int, typer.Argument(metavar="DRAW", help="Its number.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept for good.")],
    by: By = "lead",
) -> None:
    """Take a draw back: its pairs may train from now on.

    Versions and figures that were made with it stay as they are.
    """
    from storage import audit_set

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        audit_set.release(tx, number, actor=by, reason=reason)
    run.output.show(
        {"released": number}, f"Draw {number} is released: its pairs may train from now on."
    )


COMMANDS = {"draw": draw, "list": list_draws, "release": release}
