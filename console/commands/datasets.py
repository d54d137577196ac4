"""pairwright dataset build, list, show, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from storage.ledger import Connection
    from storage.rows import DatasetVersion

_COLUMNS = {
    "dataset": "version",
    "rows": "rows",
    "train": "train",
    "holdout": "holdout",
    "labels": "labels",
    "created": "created_at",
}
_WHEN_NONE = "Build one: pairwright dataset build --batch NAME"

VersionName = Annotated[str, typer.Argument(metavar="V", help="A dataset version, such as v1.")]


Batch = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this batch. Default: all of them.")
]
Labels = Annotated[
    Literal["votes", "imported", "both"],
    typer.Option(
        metavar="votes|imported|both",
        help="Whose decisions: the experts' votes, the labels of imported files, or both "
        "(votes where a pair has any).",
    ),
]
Policy = Annotated[
    Literal["majority"], typer.Option(metavar="majority", help="How votes settle a pair.")
]
MinVotes = Annotated[int, typer.Option(min=1, metavar="N", help="Fewest votes that settle a pair.")]
MinAgreement = Annotated[
    float, typer.Option(min=0, max=1, metavar="P", help="Smallest share of votes for the winner.")
]
Holdout = Annotated[
    float, typer.Option(min=0, max=0.99, metavar="P", help="Share of rows kept from training.")
]
Seed = Annotated[int, typer.Option(metavar="N", help="Draws the split.")]


@shared
def build(
    run: Run,
    batch: Batch = None,
    labels: Labels = "votes",
    policy: Policy = "majority",
    min_votes: MinVotes = 1,
    min_agreement: MinAgreement = 0.67,
    holdout: Holdout = 0.1,
    seed: Seed = 0,
) -> None:
    """Freeze the decisions so far.

    A dataset version holds chosen and rejected answers, split into train and holdout. The same
    decisions and settings give the same version again.
    """
    from console import names
    from console.commands.batches import WHEN_NONE
    from rounds import dataset
    from storage import batches

    settings = dataset.BuildSettings(
        batch=batch,
        labels=labels,
        policy=policy,
        min_votes=min_votes,
        min_agreement=min_agreement,
        holdout=holdout,
        seed=seed,
    )
    with run.workspace() as workspace:
        if batch is not None:
            with workspace.ledger.read() as db:
                names.check("batch", batch, (b.name for b in batches.listed(db)), WHEN_NONE)
        version = dataset.build(workspace, settings)
    run.output.show(as_result(version), *_sentences(version))


@shared
def list_versions(run: Run) -> None:
    """List the dataset versions, oldest first."""
    from storage import dataset_versions

    with run.workspace() as workspace, workspace.ledger.read() as db:
        rows = [as_result(version) for version in dataset_versions.listed(db)]
    run.output.show_rows(
        "datasets", rows, _COLUMNS, f"There is no dataset version yet. {_WHEN_NONE}"
    )


@shared
def show(run: Run, version: VersionName) -> None:
    """Show one dataset version."""
    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = get(db, version)
    run.output.show(as_result(found), *_sentences(found))


@shared
def export(
    run: Run,
    version: VersionName,
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for the export.")],
    record_format: Annotated[
        Literal["swift"],
        typer.Option(
            "--format", metavar="swift", help="swift: preferences.jsonl with pictures beside it."
        ),
    ] = "swift",
) -> None:
    """Write a dataset version as files.

    `pairwright import` reads them back to the same pairs.
    """
    from storage import dataset_versions, swift_export

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            found = get(db, version)
        rows = dataset_versions.read_rows(workspace, found)
        written = swift_export.export_rows(workspace, rows, out)
    run.output.show(
        {"version": found.id, "rows": len(rows), "format": record_format, "file": written},
        f"{len(rows)} rows of {found.id} written to {written}.",
    )


COMMANDS = {"build": build, "list": list_versions, "show": show, "export": export}


def get(db: Connection, version: str) -> DatasetVersion:
    """The dataset version; an unknown name is answered with the nearest."""
    from console import names
    from storage import dataset_versions

    known = [found.id for found in dataset_versions.listed(db)]
    names.check("dataset version", version, known, _WHEN_NONE)
    return dataset_versions.get(db, version)


def as_result(version: DatasetVersion) -> dict[str, object]:
    """What --json prints about a dataset version."""
    found = dict(vars(version))
    return {"version": found.pop("id"), **found}


def _sentences(version: DatasetVersion) -> list[str]:
    left_out = ", ".join(f"{count} {reason}" for reason, count in version.excluded.items())
    return [
        f"Dataset {version.id}: {version.rows} rows labeled by {version.labels}, "
        f"{version.train} to train, {version.holdout} held out.",
        *([f"Left out: {left_out}."] if left_out else []),
        f"Digest {version.digest}",
    ]
