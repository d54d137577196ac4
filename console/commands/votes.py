"""pairwright votes export, exclude, readmit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from console.options import Run, shared

Out = Annotated[Path, typer.Option(metavar="FILE", help="New file; its manifest lies beside it.")]
Format = Annotated[
    Literal["parquet", "csv", "jsonl"],
    typer.Option(
        "--format",
        metavar="parquet|csv|jsonl",
        help="csv is safe to open in a spreadsheet: no text becomes a formula.",
    ),
]
Batch = Annotated[str | None, typer.Option(metavar="NAME", help="Only this batch. Default: all.")]
Licence = Annotated[str, typer.Option(metavar="TEXT", help="What the manifest says of it.")]
Pseudonyms = Annotated[
    bool, typer.Option("--pseudonyms", help="Annotators under made-up names, always the same ones.")
]

Vote = Annotated[
    str,
    typer.Argument(metavar="ID", help="Event id of votes export, or its first 8 or more."),
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with it.")]
By = Annotated[str, typer.Option(metavar="WHO", help="Who decides.")]


@shared
def export(
    run: Run,
    out: Out,
    record_format: Format = "parquet",
    batch: Batch = None,
    licence: Licence = "not stated",
    pseudonyms: Pseudonyms = False,
) -> None:
    """Write every vote and undo as one file.

    A row holds pair, annotator, verdict, why it does not count where it is excluded, the side that
    was shown on the left, rubric, note and times. A manifest beside the file says what is in it,
    with a digest.
    """
    from console.commands.batches import check_known
    from storage.exports import votes

    with run.workspace() as workspace:
        check_known(workspace, batch)
        made = votes.export(workspace, out, record_format, batch, licence, pseudonyms)
    counts = made.counts
    run.output.show(
        vars(made),
        f"{counts.get('votes', 0)} votes and {counts.get('undos', 0)} undos written to "
        f"{made.file}; {counts.get('effective', 0)} votes are effective.",
        f"Manifest: {made.manifest}",
    )


@shared
def exclude(run: Run, vote: Vote, reason: Reason, by: By = "lead") -> None:
    """Let a single vote not count any more; it stays on record."""
    _change(run, vote, reason, by, out=True)


@shared
def readmit(run: Run, vote: Vote, reason: Reason, by: By = "lead") -> None:
    """Let a vote that was excluded by itself count again."""
    _change(run, vote, reason, by, out=False)


def _change(run: Run, vote: str, reason: str, by: str, *, out: bool) -> None:
    from console.views import exclusions

    with run.workspace() as workspace:
        event = exclusions.of_vote(workspace, vote, by, reason, out=out)
    state = "does not count any more" if out else "counts again"
    run.output.show(
        exclusions.as_json(event),
        f"The vote of {event.annotator} on pair {event.pair_id[:12]} {state}.",
    )


COMMANDS = {"export": export, "exclude": exclude, "readmit": readmit}
