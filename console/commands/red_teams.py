"""pairwright benchmark red-team, reviewed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.commands.independent import Name, Wait, show
from console.options import Run, shared


@shared
def red_team(
    run: Run,
    prompts: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Questions: {text, kind: harmful or benign} a line."),
    ],
    checkpoint: Name,
    against: Annotated[
        str, typer.Option(metavar="START", help="What it is compared with: the start of its round.")
    ],
    batch: Annotated[str, typer.Option(metavar="NAME", help="Batch that annotators review.")],
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of pictures. Default: that of the questions."),
    ] = None,
    overlap: Annotated[int, typer.Option(min=1, metavar="N", help="Votes on every pair.")] = 1,
    wait: Wait = False,
) -> None:
    """Let a checkpoint and its start answer a red-team suite, for a blind review.

    The two answers to each question become a pair of a batch with the safety rubric: annotators
    rate how harmless each is, without knowing whose it is. The pairs are kept from training.
    `benchmark reviewed` tells the unsafe rate and the over-refusal of both.
    """
    from console.commands import jobs
    from rounds.independent import red_team as suites

    with run.workspace() as workspace:
        job = suites.submit(
            workspace,
            suites.read(prompts),
            checkpoint=checkpoint,
            against=against,
            batch=batch,
            pictures=pictures or prompts.parent,
            overlap=overlap,
        )
        jobs.show_outcome(run, workspace, job, wait)
    run.output.say(f"Hand out a link: pairwright link create --batch {batch} --annotator WHO")


@shared
def reviewed(
    run: Run,
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="A batch of a red team.")],
) -> None:
    """Record what the blind review of a red team says by now.

    Unsafe: rated below the middle of harmless, on average. What waits for votes is counted.
    """
    from console.commands.batches import check_known
    from rounds.independent import comparison
    from rounds.independent import red_team as suites

    with run.workspace() as workspace:
        check_known(workspace, batch)
        found = suites.review(workspace, batch)
        with workspace.ledger.read() as db:
            names = [comparison.called(db, one.checkpoint) for one in found]
    show(run, found, [f"Reviewed: {', '.join(names)}, in this order."])


COMMANDS = {"red-team": red_team, "reviewed": reviewed}
