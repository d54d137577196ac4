"""pairwright import."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.commands.batches import BothBad, Confidence, Guidelines, Rubric, read_guidelines
from console.options import Run, shared

if TYPE_CHECKING:
    from storage.imports.importing import How
    from storage.rows import ImportReport

_REJECTED_SHOWN = 20
_LONGEST_SHOWN = 100


File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="Records: JSON lines, a JSON list, CSV, Parquet, or a folder of one of these.",
    ),
]
Batch = Annotated[
    str, typer.Option(metavar="NAME", help="Batch that gets the pairs; made when new.")
]
Format = Annotated[
    Literal[
        "auto",
        "swift",
        "label-studio",
        "label-studio-min",
        "argilla",
        "scale",
        "lmsys",
        "trl",
        "triples",
        "columns",
    ],
    typer.Option(
        "--format",
        metavar="NAME",
        help="How the records are written; auto looks at them and says what it took. swift: "
        "messages, images, videos, rejected_response. label-studio: full JSON. label-studio-min: "
        "JSON_MIN or CSV. argilla: 2.x or 1.x. scale: GenAI v2. lmsys: battles. trl: message lists "
        "or an implicit prompt. triples: prompt, chosen, rejected. columns: any table.",
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=COLUMN",
        help="Which column is what, once per field: prompt, system, chosen, rejected, response_a, "
        "response_b, winner, images, videos, category, id, annotator, note.",
    ),
]
WinnerValues = Annotated[
    str,
    typer.Option(
        metavar="A,B",
        help="What the winner's column says when the first and when the second answer is better.",
    ),
]
TakenAs = Annotated[
    Literal["labels", "votes"],
    typer.Option(
        "--as",
        metavar="labels|votes",
        help="What becomes of decisions in the file: labels beside the pairs, or votes of "
        "annotators named after the file's own, such as label-studio:3. Votes count in a "
        "consensus, never in the agreement of your annotators.",
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
    columns: Columns = None,
    winner_values: WinnerValues = "",
    taken_as: TakenAs = "labels",
    media_root: MediaRoot = None,
    overlap: Overlap = None,
    labeled_by: LabeledBy = "imported",
    rubric: Rubric = None,
    guidelines: Guidelines = None,
    both_bad: BothBad = False,
    confidence: Confidence = False,
    dry_run: DryRun = False,
) -> None:
    """Import pairs, with preferences if any, from our own format or that of another tool.

    With --dry-run it says how it reads the file and shows the first pairs. A record that cannot be
    used is reported with its line and reason; the others go in. The same file again adds nothing.
    What annotators are asked is set on the batch, also when it is there.
    """
    from console.batch_asking import Asking
    from console.progress import counting
    from storage.imports import importing

    how = _how(record_format, columns or [], winner_values, taken_as)
    text = read_guidelines(guidelines) if guidelines else ""
    asking = Asking(rubric or "", text, both_bad, confidence)
    with run.workspace() as workspace, counting(run.output, "Importing") as advance:
        with workspace.ledger.read() as db:
            changes = asking.changes(db, batch)
        report = importing.import_file(
            workspace,
            file,
            batch=batch,
            how=how,
            media_root=media_root,
            overlap=overlap,
            labeled_by=labeled_by,
            dry_run=dry_run,
            progress=advance,
        )
        if not dry_run:
            asking.keep(workspace, batch)
    report = replace(report, notes=(*report.notes, *changes))
    run.output.show({**vars(report), "dry_run": dry_run}, *_sentences(report, dry_run))


def _how(record_format: str, columns: list[str], winner_values: str, taken_as: str) -> How:
    from console.views import import_reading
    from storage.imports.importing import How

    told = import_reading.columns(columns)
    return How(record_format, told, import_reading.winner_values(winner_values), taken_as)


def _sentences(report: ImportReport, dry_run: bool) -> list[str]:
    would = "would be imported" if dry_run else "imported"
    from console.views import import_reading

    lines = [
        f"{report.records} records into batch {report.batch}: {report.imported} {would}, "
        f"{report.present} already there, {len(report.rejected)} rejected.",
        *import_reading.sentences(report, dry_run),
    ]
    if report.conflicts:
        lines.append(f"{report.conflicts} records prefer the other answer than an earlier record.")
    lines += [f"  line {bad.line}: {bad.reason}" for bad in report.rejected[:_REJECTED_SHOWN]]
    if len(report.rejected) > _REJECTED_SHOWN:
        lines.append(f"  and {len(report.rejected) - _REJECTED_SHOWN} more; --json lists them all.")
    return [*lines, *report.notes, *(_first(report) if dry_run else [])]


def _first(report: ImportReport) -> list[str]:
    lines = ["The first pairs:"] if report.first else []
    for pair in report.first:
        lines.append(f"  line {pair.line}, {pair.category}: {_short(pair.prompt)}")
        lines += [f"    answer: {_short(answer)}" for answer in pair.answers]
        lines += [f"    {said}" for said in pair.said]
    return lines


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]} ..."
