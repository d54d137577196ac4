"""pairwright dataset votes, note."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from storage.rows import DatasetVersion
    from storage.workspace import Workspace

_COLUMNS = ("pair", "split", "chosen", "consensus", "vote", "when", "batch", "counted")
_SHORT = 12

VersionName = Annotated[str, typer.Argument(metavar="V", help="A dataset version, such as v1.")]


@shared
def votes(
    run: Run,
    version: VersionName,
    page: Annotated[int, typer.Option(min=1, metavar="N", help="Which page of the rows.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all rows there instead, as JSON lines."),
    ] = None,
) -> None:
    """List the votes behind a dataset version.

    For every row: which votes stood on its pair when the version was built, of whom and when,
    which of them counted and why the others did not, and what they settled by which policy.
    """
    from console.commands import datasets

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            found = datasets.get(db, version)
        if out is not None:
            _write(run, workspace, found, out)
        else:
            _show(run, workspace, found, page)


@shared
def note(
    run: Run,
    version: VersionName,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="The note from now on; '' takes it away."),
    ] = None,
    by: Annotated[str, typer.Option(metavar="WHO", help="Who writes it.")] = "lead",
) -> None:
    """Write a note on a dataset version, or show its notes.

    The last note stands; earlier ones are kept with who wrote them and when. Rows and digest of a
    version never change.
    """
    from console.commands import datasets
    from console.views import dataset_notes as views
    from storage import dataset_notes

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            found = datasets.get(db, version)
        if text is not None:
            views.write(workspace, found.id, text, by)
        with workspace.ledger.read() as db:
            notes = dataset_notes.history(db, found.id)
    stands = notes[0].text if notes else ""
    told = [f"{views.signed(one)}: {one.text}".rstrip(": ") for one in notes]
    run.output.show(
        {"version": found.id, "note": stands, "notes": notes},
        *(told or [f"There is no note on {found.id}. Write one: dataset note {found.id} TEXT"]),
    )


def _show(run: Run, workspace: Workspace, found: DatasetVersion, number: int) -> None:
    from console.views import dataset_votes
    from storage import dataset_versions

    file = dataset_versions.opened(workspace, found)
    shown = dataset_votes.page(workspace, found, file, number)
    if run.output.as_json:
        told = {"version": found.id, "page": shown.page, "pages": shown.pages}
        rows = [one.as_json() for one in shown.rows]
        run.output.show({**told, "total": shown.total, "rows": rows})
        return
    lines = [{**vars(one), "pair": one.pair[:_SHORT]} for one in shown.lines]
    run.output.table(_COLUMNS, ([line[name] for name in _COLUMNS] for line in lines))
    run.output.say(f"{shown.position}.")
    if shown.page < shown.pages:
        run.output.say(f"More: --page {shown.page + 1}, or all of them: --out FILE")


def _write(run: Run, workspace: Workspace, found: DatasetVersion, out: Path) -> None:
    from console.progress import counting
    from rounds import row_votes

    rows = cast = counted = 0
    with counting(run.output, "Reading the votes") as advance, out.open("w", encoding="utf-8") as f:
        for row in row_votes.of_version(workspace, found):
            f.write(json.dumps(row.as_json(), ensure_ascii=False) + "\n")
            rows, cast, counted = rows + 1, cast + len(row.votes), counted + len(row.counted)
            advance(rows, found.rows)
    result: dict[str, Any] = {"version": found.id, "file": str(out), "rows": rows}
    run.output.show(
        {**result, "votes": cast, "counted": counted},
        f"{rows} rows of {found.id} with {cast} votes, {counted} of them counted, are in {out}.",
    )
