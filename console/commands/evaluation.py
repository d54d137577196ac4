"""pairwright evaluate."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from console.options import Run, shared


@shared
def evaluate(
    run: Run,
    checkpoint: Annotated[str, typer.Option(metavar="C", help="Checkpoint, or model, to measure.")],
    dataset: Annotated[str, typer.Option(metavar="V", help="Dataset version to measure on.")],
    split: Annotated[
        Literal["holdout", "train", "all"],
        typer.Option(metavar="holdout|train|all", help="Which rows of it."),
    ] = "holdout",
) -> None:
    """Measure a checkpoint on a dataset version.

    Waits for the figures.
    """
    from console.commands import datasets, jobs
    from training import submission

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            datasets.get(db, dataset)
        job = submission.submit_evaluation(
            workspace, checkpoint=checkpoint, dataset=dataset, split=split
        )
        jobs.show_outcome(run, workspace, job, wait=True)
