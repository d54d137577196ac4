"""pairwright sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from training.settings.spec import SamplingSpec

Answerers = Annotated[
    list[str],
    typer.Option(
        "--from",
        metavar="X",
        help="Model or checkpoint that answers. Named twice or more, with different ones: an "
        "A/B test, in which every pair has answers of two of them.",
    ),
]
IntoBatch = Annotated[
    str, typer.Option(metavar="NAME", help="Batch that gets the pairs; made when new.")
]
SamplingSet = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Setting of sampling: temperature=0.8"),
]
Wait = Annotated[bool, typer.Option("--wait", help="Show progress until it ends.")]


@shared
def sample(
    run: Run,
    prompts: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Prompts: messages, images, category, a JSON a line."),
    ],
    start_from: Answerers,
    batch: IntoBatch = "",
    settings: SamplingSet = None,
    wait: Wait = False,
) -> None:
    """Let a model answer prompts, to compare.

    Two answers that differ become a pair of the batch. With --set answers=1 there is no pair and no
    batch: `checkpoint diff` compares such answers between checkpoints. Of several models one answer
    each is enough: annotators compare them without knowing whose is whose, and `pairwright ab`
    shows who wins.
    """
    from console.commands import jobs
    from training.jobs import submission

    chosen = parse(settings, start_from)
    if (chosen.answers > 1 or len(start_from) > 1) and not batch:
        raise typer.BadParameter("answers become pairs of a batch: name it with --batch")
    with run.workspace() as workspace:
        job = submission.submit_sampling(
            workspace,
            start_from=start_from[0],
            prompts=prompts,
            batch=batch,
            settings=chosen,
            rivals=start_from[1:],
        )
        jobs.show_outcome(run, workspace, job, wait)


def parse(settings: list[str] | None, start_from: list[str]) -> SamplingSpec:
    """The settings as given; of several models one answer each, which are compared already."""
    from training.settings import keys
    from training.settings import spec as specs

    alone = {} if len(start_from) < 2 else {"answers": 1}
    return specs.parse_sampling(alone | keys.parse_overrides(settings or []))
