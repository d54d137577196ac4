"""pairwright sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.options import Run, shared


@shared
def sample(
    run: Run,
    prompts: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Prompts: messages, images, category, a JSON a line."),
    ],
    start_from: Annotated[
        str, typer.Option("--from", metavar="X", help="Model or checkpoint that answers.")
    ],
    batch: Annotated[
        str, typer.Option(metavar="NAME", help="Batch that gets the pairs; made when new.")
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Setting of sampling: temperature=0.8"),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until it ends.")] = False,
) -> None:
    """Let a model answer prompts, to compare.

    Two answers that differ become a pair of the batch. With --set answers=1 there is no pair and no
    batch: `checkpoint diff` compares such answers between checkpoints.
    """
    from console.commands import jobs
    from training import keys, submission
    from training import spec as specs

    chosen = specs.parse_sampling(keys.parse_overrides(settings or []))
    if chosen.answers > 2:
        raise typer.BadParameter(f"answers is {chosen.answers}, but a pair has two")
    if chosen.answers == 2 and not batch:
        raise typer.BadParameter("two answers become pairs of a batch: name it with --batch")
    with run.workspace() as workspace:
        job = submission.submit_sampling(
            workspace, start_from=start_from, prompts=prompts, batch=batch, settings=chosen
        )
        jobs.show_outcome(run, workspace, job, wait)
