"""pairwright checkpoint push, checkpoint pull, dataset push, dataset pull."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands.independent import RequireIndependent
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
    require_independent: RequireIndependent = False,
    wait: Wait = False,
) -> None:
    """Push a checkpoint to the Hub, in the background.

    Weights as safetensors, configuration and a model card with lineage and figures, in one tagged
    commit. The token comes from HF_TOKEN or `hf auth login`. It warns, and the card says so, where
    nothing independent measured the checkpoint.
    """
    from console import names
    from console.commands import independent, jobs
    from storage import checkpoints
    from training.hub import submission

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            known = [name for row in checkpoints.listed(db) for name in (row.name, row.id)]
        names.check("checkpoint", checkpoint, known, "Checkpoints: pairwright checkpoint list")
        with workspace.ledger.read() as db:
            found = checkpoints.get(db, checkpoint)
        independent.warn(run, workspace, found, require_independent)
        job = submission.submit_checkpoint(workspace, checkpoint, repo, private=not public)
        jobs.show_outcome(run, workspace, job, wait)


@shared
def push_dataset(
    run: Run,
    version: Annotated[str, typer.Argument(metavar="V", help="A dataset version, such as v1.")],
    repo: Repo,
    public: Public = False,
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="What the card says of it, such as cc-by-4.0.")
    ] = "",
    wait: Wait = False,
) -> None:
    """Push a dataset version to the Hub, in the background.

    Parquet as TRL reads it, pictures within, a dataset card, Croissant metadata, and a manifest
    with the digest, in one tagged commit. The token comes from HF_TOKEN or `hf auth login`.
    """
    from console.commands import datasets, jobs
    from training.hub import submission

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            found = datasets.get(db, version)
        job = submission.submit_dataset(
            workspace, found.id, repo, private=not public, licence=licence
        )
        jobs.show_outcome(run, workspace, job, wait)


@shared
def pull_dataset(
    run: Run,
    repo: Annotated[str, typer.Argument(metavar="ORG/NAME", help="Repository on the Hub.")],
    revision: Annotated[
        str, typer.Option(metavar="REVISION", help="Tag, branch or commit. Default: the newest.")
    ] = "main",
    digest: Annotated[
        str,
        typer.Option(metavar="DIGEST", help="Refuse rows with another digest than this."),
    ] = "",
) -> None:
    """Pull a dataset version that was pushed to the Hub, with its pictures.

    Files, pictures and rows are checked against the manifest first; nothing is recorded when one of
    them differs. The same rows are the same version.
    """
    from training.hub import pulling

    with run.workspace() as workspace:
        found = pulling.pull(workspace, repo, revision=revision, digest=digest, say=run.output.say)
    version = found.version
    result = {
        **{name: getattr(version, name) for name in ("digest", "rows", "train", "holdout")},
        "version": version.id,
        "is_new": found.is_new,
        "pictures": found.pictures,
        "repo": repo,
        "revision": found.revision,
        "source_digest": found.manifest.source_digest,
        "licence": found.manifest.licence,
    }
    state = "Recorded as" if found.is_new else "Already here as"
    run.output.show(
        result,
        f"{state} {version.id}: {version.rows} rows ({version.train} to train, {version.holdout} "
        f"held out), {found.pictures} pictures, from {repo} at {found.revision[:12]}.",
        f"The rows have the digest {version.digest}.",
    )


@shared
def pull_checkpoint(
    run: Run,
    repo: Annotated[str, typer.Argument(metavar="ORG/NAME", help="Repository on the Hub.")],
    revision: Annotated[
        str, typer.Option(metavar="REVISION", help="Tag, branch or commit. Default: the newest.")
    ] = "main",
    base: Annotated[
        str,
        typer.Option(metavar="MODEL", help="The model underneath, where it is not on the Hub."),
    ] = "",
) -> None:
    """Pull a checkpoint that was pushed to the Hub, with the checkpoints underneath.

    Every file is compared with the manifest first. The dataset version that it was trained on must
    be here, or on the Hub: then it is pulled as well. The same weights are the same checkpoint.
    """
    from training.hub import checkpoint_pulling

    with run.workspace() as workspace:
        found = checkpoint_pulling.pull(
            workspace, repo, revision=revision, base=base, say=run.output.say
        )
    made = found.checkpoint
    state = "Recorded as" if found.is_new else "Already here as"
    run.output.show(
        {"checkpoint": made.id, "name": made.name, "kind": made.kind, "parent": made.parent}
        | {"dataset_version": made.dataset_version, "is_new": found.is_new}
        | {"repo": repo, "revision": found.revision},
        f"{state} {made.name} ({made.kind}), trained on {made.dataset_version}, from {repo} at "
        f"{found.revision[:12]}.",
    )


def as_results(publications: Sequence[Publication]) -> list[dict[str, Any]]:
    """What --json prints about publications, newest first."""
    told = ("repo", "revision", "tag", "url", "private", "created_at", "job_id")
    return [{name: getattr(one, name) for name in told} for one in publications]


def lines(publications: Sequence[Publication]) -> Iterator[str]:
    """A line for each publication, newest first."""
    for one in publications:
        whose = "private" if one.private else "public"
        yield f"  on the Hub: {one.repo} ({whose}), tag {one.tag}, {one.url}"
