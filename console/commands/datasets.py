"""pairwright dataset list, show, diff, export; the other commands have files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.commands import (
    dataset_build,
    dataset_check,
    dataset_votes,
    demonstrations,
    publishing,
)
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
    "filters": "filters",
    "note": "note",
    "created": "created_at",
}
_WHEN_NONE = "Build one: pairwright dataset build --batch NAME"

VersionName = Annotated[str, typer.Argument(metavar="V", help="A dataset version, such as v1.")]


@shared
def list_versions(run: Run) -> None:
    """List the dataset versions, oldest first."""
    from console.views import dataset_filters
    from storage import dataset_notes, dataset_versions

    with run.workspace() as workspace, workspace.ledger.read() as db:
        notes = dataset_notes.standing(db)
        versions = dataset_versions.listed(db)
    rows = [as_result(version, notes.get(version.id, "")) for version in versions]
    if not run.output.as_json:
        told = [dataset_filters.sentence(version.policy) for version in versions]
        rows = [{**row, "filters": said} for row, said in zip(rows, told, strict=True)]
    run.output.show_rows(
        "datasets", rows, _COLUMNS, f"There is no dataset version yet. {_WHEN_NONE}"
    )


@shared
def show(run: Run, version: VersionName) -> None:
    """Show one dataset version, with its filters, its note and who wrote it."""
    from console.views import dataset_notes as views
    from storage import dataset_notes

    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = get(db, version)
        notes = dataset_notes.history(db, found.id)
    text = notes[0].text if notes else ""
    run.output.show(
        as_result(found, text),
        *sentences(found, text),
        *(views.signed(one) for one in notes[:1] if one.text),
    )


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
    from storage import dataset_notes, dataset_versions, exports

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            found = get(db, version)
            note = dataset_notes.last(db, found.id)
        rows = dataset_versions.read_rows(workspace, found)
        title = f"Dataset {found.id}, labels: {found.labels}"
        about = exports.About(found.id, found.policy, licence, note.text if note else "")
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
        old, new = (dataset_versions.read_table(workspace, version) for version in versions)
        drifts = dataset_changes.measured(workspace, (before, old), (after, new))
        made = dataset_changes.made(workspace, before, after)
    found = dataset_diff.compare(old, new)
    told = dataset_changes.sentences(before, after, found)
    filters = {one.id: one.policy.get("filters") or {} for one in versions}
    result = {**dataset_changes.as_result(before, after, found, drifts), "filters": filters}
    run.output.show(result, *told, *made)
    if not run.output.as_json:
        counts = [list(vars(line).values()) for line in found.categories]
        run.output.table(vars(found.categories[0]), counts)
        moved = [vars(dataset_changes.drift_line(one)) for one in drifts]
        run.output.table(
            ("rows by", "drift", *tuple(moved[0])[2:]), [list(one.values()) for one in moved]
        )


COMMANDS = {
    "build": dataset_build.build,
    "sft": demonstrations.import_answers,
    "list": list_versions,
    "show": show,
    "note": dataset_votes.note,
    "votes": dataset_votes.votes,
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


def as_result(version: DatasetVersion, note: str = "") -> dict[str, object]:
    """What --json prints about a dataset version."""
    found = dict(vars(version))
    filters = version.policy.get("filters") or {}
    return {"version": found.pop("id"), **found, "filters": filters, "note": note}


def sentences(version: DatasetVersion, note: str = "") -> list[str]:
    """The same for people."""
    from console.views import dataset_filters, datasets

    left_out = ", ".join(f"{count} {reason}" for reason, count in version.excluded.items())
    filters = dataset_filters.sentence(version.policy)
    return [
        f"Dataset {version.id}: {datasets.summary(version)}",
        *([f"Filters: {filters}."] if filters else []),
        *([f"Left out: {left_out}."] if left_out else []),
        *datasets.circumstances(version.policy),
        *([f"Note: {note}"] if note else []),
        f"Digest {version.digest}",
    ]
