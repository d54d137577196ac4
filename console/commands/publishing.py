"""pairwright checkpoint push, dataset push."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from storage.rows import Publication

Repo = Annotated[
    str, typer.Option(metavar="ORG/NAME", help="Repository on the Hub; made when not there.")
]
Public = Annotated[
    bool, typer.Option("--public", help="Make the repository public. Default: private.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Show progress until it ends.")]


@shared
def push_checkpoint(
    run: Run,
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="Name or id of a checkpoint.")
    ],
    repo: Repo,
    public: Public = False,
    wait: Wait = False,
) -> None:
    """Push a checkpoint to the Hub, in the background.

    Weights as safetensors, configuration and a model card with lineage and figures, in one tagged
    commit. The token comes from HF_TOKEN or `hf auth login`.
    """
    from console import names
    from console.commands import jobs
    from storage import checkpoints
    from training.hub import submission

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            known = [name for row in checkpoints.listed(db) for name in (row.name, row.id)]
        names.check("checkpoint", checkpoint, known, "Checkpoints: pairwright checkpoint list")
        job = submission.submit_checkpoint(workspace, checkpoint, repo, private=not public)
        jobs.show_outcome(run, workspace, job, wait)


@shared
def push_dataset(
    run: Run,
    version: Annotated[str, typer.Argument(metavar="V", help="A dataset version, such as v1.")],
    repo: Repo,
    public: Public = False,
    wait: Wait = False,
) -> None:
    """Push a dataset version to the Hub, in the background.

    Parquet as TRL reads it, pictures within, and a dataset card, in one tagged commit. The token
    comes from HF_TOKEN or `hf auth login`.
    """
    from console.commands import datasets, jobs
    from training.hub import submission

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            found = datasets.get(db, version)
        job = submission.submit_dataset(workspace, found.id, repo, private=not public)
        jobs.show_outcome(run, workspace, job, wait)


def as_results(publications: Sequence[Publication]) -> list[dict[str, Any]]:
    """What --json prints about publications, newest first."""
    told = ("repo", "revision", "tag", "url", "private", "created_at", "job_id")
    return [{name: getattr(one, name) for name in told} for one in publications]


def lines(publications: Sequence[Publication]) -> Iterator[str]:
    """A line for each publication, newest first."""
    for one in publications:
        whose = "private" if one.private else "public"
        yield f"  on the Hub: {one.repo} ({whose}), tag {one.tag}, {one.url}"
