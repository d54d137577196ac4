"""pairwright import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.commands.batches import Rubric
from console.options import Run, shared

if TYPE_CHECKING:
    from storage.rows import ImportReport

_REJECTED_SHOWN = 20


File = Annotated[Path, typer.Argument(metavar="FILE", help="Records, one JSON object a line.")]
Batch = Annotated[
    str, typer.Option(metavar="NAME", help="Batch that gets the pairs; made when new.")
]
Format = Annotated[
    Literal["auto", "swift"],
    typer.Option(
        "--format",
        metavar="auto|swift",
        help="How the records are written; auto looks at them. swift: messages, images, "
        "videos, rejected_response.",
    ),
]
MediaRoot = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder that holds the pictures and videos. Default: the folder of FILE.",
        show_default=False,
    ),
]
Overlap = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Votes wanted per pair of the batch.")
]
LabeledBy = Annotated[
    str,
    typer.Option(
        metavar="WHO", help="Who decided the preferences of the file; named in every figure."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check every record and change nothing.")]


@shared
def import_records(
    run: Run,
    file: File,
    batch: Batch,
    record_format: Format = "auto",
    media_root: MediaRoot = None,
    overlap: Overlap = None,
    labeled_by: LabeledBy = "imported",
    rubric: Rubric = None,
    dry_run: DryRun = False,
) -> None:
    """Import pairs, with preferences if any.

    A record that cannot be used is reported with its line and reason; the others go in. The same
    file again adds nothing.
    """
    from console.progress import counting
    from labeling import rubrics
    from storage import batches, swift_import

    asked = rubrics.chosen(rubric) if rubric else ""
    with run.workspace() as workspace, counting(run.output, "Importing") as advance:
        report = swift_import.import_file(
            workspace,
            file,
            batch=batch,
            media_root=media_root,
            overlap=overlap,
            labeled_by=labeled_by,
            dry_run=dry_run,
            progress=advance,
        )
        if asked and not dry_run:
            with workspace.ledger.write() as tx:
                # a file without a usable record makes no batch
                found = batches.find(tx, batch)
                if found is not None:
                    batches.update(tx, found.id, rubric=asked)
    run.output.show({**vars(report), "dry_run": dry_run}, *_sentences(report, dry_run))


def _sentences(report: ImportReport, dry_run: bool) -> list[str]:
    would = "would be imported" if dry_run else "imported"
    lines = [
        f"{report.records} records into batch {report.batch}: {report.imported} {would}, "
        f"{report.present} already there, {len(report.rejected)} rejected."
    ]
    if report.conflicts:
        lines.append(f"{report.conflicts} records prefer the other answer than an earlier record.")
    lines += [f"  line {bad.line}: {bad.reason}" for bad in report.rejected[:_REJECTED_SHOWN]]
    if len(report.rejected) > _REJECTED_SHOWN:
        lines.append(f"  and {len(report.rejected) - _REJECTED_SHOWN} more; --json lists them all.")
    return lines + list(report.notes)
