"""pairwright dataset build, sft, list, show, check, diff, export, push, pull."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.commands import dataset_check, demonstrations, publishing
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
    Literal["majority", "weighted", "unanimous", "adjudicated"],
    typer.Option(
        metavar="majority|weighted|unanimous|adjudicated",
        help="How votes settle a pair: by number, by the estimated accuracy of who cast them, all "
        "alike, or by leads only. A lead's decision always comes first.",
    ),
]
MinVotes = Annotated[int, typer.Option(min=1, metavar="N", help="Fewest votes that settle a pair.")]
MinAgreement = Annotated[
    float, typer.Option(min=0, max=1, metavar="P", help="Smallest share of votes for the winner.")
]
MinConfidence = Annotated[
    float,
    typer.Option(
        min=0, max=0.99, metavar="P", help="Smallest probability of the winner, given the votes."
    ),
]
Holdout = Annotated[
    float, typer.Option(min=0, max=0.99, metavar="P", help="Share of rows kept from training.")
]
HoldoutBy = Annotated[
    Literal["media", "annotator"],
    typer.Option(
        metavar="media|annotator",
        help="media: rows that share a picture or a question stay together. annotator: all rows "
        "that some annotators judged, drawn with the seed.",
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Draws the split.")]
WithJudge = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Also the labels of this model as judge, where nothing else decides a pair: NAME or "
        "NAME@VERSION. Its rows say `model`. `pairwright judge` makes such labels.",
    ),
]
Audit = Annotated[
    bool, typer.Option("--audit", help="From the audit set alone: it measures, it never trains.")
]


@shared
def build(
    run: Run,
    batch: Batch = None,
    labels: Labels = "votes",
    policy: Policy = "majority",
    min_votes: MinVotes = 1,
    min_agreement: MinAgreement = 0.67,
    min_confidence: MinConfidence = 0.0,
    holdout: Holdout = 0.1,
    holdout_by: HoldoutBy = "media",
    seed: Seed = 0,
    audit: Audit = False,
    with_judge: WithJudge = "",
) -> None:
    """Freeze the decisions so far.

    A dataset version holds chosen and rejected answers, split into train and holdout. The same
    decisions and settings give the same version again.
    """
    from console.commands.batches import check_known
    from rounds import dataset

    settings = dataset.BuildSettings(
        batch=batch,
        labels=labels,
        policy=policy,
        min_votes=min_votes,
        min_agreement=min_agreement,
        min_confidence=min_confidence,
        holdout=holdout,
        holdout_by=holdout_by,
        seed=seed,
        audit=audit,
        with_judge=with_judge,
    )
    with run.workspace() as workspace:
        check_known(workspace, batch)
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
        Literal["dpo-json", "triples", "trl", "swift", "label-studio", "argilla", "parquet"],
        typer.Option(
            "--format",
            metavar="dpo-json|triples|trl|swift|label-studio|argilla|parquet",
            help="dpo-json: an array of prompt, chosen, rejected, images. triples: lines of plain "
            "texts. trl: Parquet that TRL's DPOTrainer reads, pictures within. swift: "
            "preferences.jsonl. label-studio: tasks. argilla: records. parquet: every column.",
        ),
    ] = "swift",
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="What the manifest says of it.")
    ] = "not stated",
) -> None:
    """Write a dataset version as files.

    Train and holdout are files of their own, pictures lie beside them. `pairwright import` reads
    the swift format back to the same pairs. Rows that a format cannot hold are left out and
    counted.
    """
    from storage import dataset_versions, exports

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            found = get(db, version)
        rows = dataset_versions.read_rows(workspace, found)
        title = f"Dataset {found.id}, labels: {found.labels}"
        about = exports.About(found.id, found.policy, licence)
        made = exports.export_rows(workspace, rows, record_format, out, title, about)
    written = sum(made.rows.values())
    result = {**vars(made), "version": found.id, "rows": written, "splits": made.rows}
    left_out = [f"Left out: {count}, each {why}." for why, count in made.excluded.items()]
    run.output.show(
        {**result, "file": made.files[0]},
        f"{written} rows of {found.id} written to {made.folder} "
        f"({', '.join(f'{count} {side}' for side, count in made.rows.items())}).",
        *left_out,
    )


@shared
def diff(
    run: Run,
    before: Annotated[str, typer.Argument(metavar="V", help="The earlier version, such as v1.")],
    after: Annotated[str, typer.Argument(metavar="W", help="The later version, such as v2.")],
) -> None:
    """Compare two dataset versions.

    Counts the pairs that were added, removed, flipped (chosen and rejected exchanged) or moved to
    another side of the split, by category, and measures how far the make-up of the rows moved. With
    --json, also the ids of those pairs.
    """
    from console.views import dataset_changes
    from storage import dataset_diff, dataset_versions

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            versions = [get(db, name) for name in (before, after)]
        old, new = (dataset_versions.read_rows(workspace, version) for version in versions)
        drifts = dataset_changes.measured(workspace, (before, old), (after, new))
    found = dataset_diff.compare(old, new)
    sentences = dataset_changes.sentences(before, after, found)
    run.output.show(dataset_changes.as_result(before, after, found, drifts), *sentences)
    if not run.output.as_json:
        counts = [list(vars(line).values()) for line in found.categories]
        run.output.table(vars(found.categories[0]), counts)
        moved = [vars(dataset_changes.drift_line(one)) for one in drifts]
        run.output.table(
            ("rows by", "drift", *tuple(moved[0])[2:]), [list(one.values()) for one in moved]
        )


COMMANDS = {
    "build": build,
    "sft": demonstrations.import_answers,
    "list": list_versions,
    "show": show,
    "check": dataset_check.check,
    "diff": diff,
    "export": export,
    "push": publishing.push_dataset,
    "pull": publishing.pull_dataset,
}


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
    from console.views import datasets

    left_out = ", ".join(f"{count} {reason}" for reason, count in version.excluded.items())
    return [
        f"Dataset {version.id}: {datasets.summary(version)}",
        *([f"Left out: {left_out}."] if left_out else []),
        *datasets.circumstances(version.policy),
        f"Digest {version.digest}",
    ]
