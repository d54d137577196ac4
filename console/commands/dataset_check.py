"""pairwright dataset check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from rounds.readiness.report import Readiness
    from storage.rows import DatasetVersion


@shared
def check(
    run: Run,
    version: Annotated[str, typer.Argument(metavar="V", help="A dataset version, such as v1.")],
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="A model or checkpoint to train: its own processor counts every row's tokens.",
        ),
    ] = "",
) -> None:
    """Check a dataset version before training on it.

    Reads it whole, compares it with its digest, and looks for leakage between the sides of the
    split, duplicates, contradictions, answers that are nearly equal, broken, small or blurred
    pictures, category gaps and length bias; with --model also for rows that are too long for it.
    Exits with 3 when something blocks.
    """
    from console.commands import datasets
    from console.exit_codes import ExitCode
    from console.progress import counting
    from rounds.readiness import report

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            found = datasets.get(db, version)
        with counting(run.output, "Looking at the rows") as advance:
            checked = report.of_version(workspace, found, advance, model)
    _show(run, found, checked, model)
    if not checked.ready:
        raise typer.Exit(ExitCode.GATE)


def _show(run: Run, found: DatasetVersion, checked: Readiness, model: str) -> None:
    from rounds.readiness.finding import BLOCKING

    result = {
        "version": found.id,
        "rows": checked.rows,
        "digest": found.digest,
        "matches": True,
        "ready": checked.ready,
        "findings": list(checked.findings),
        "model": model or None,
        "longest": checked.longest if model else None,
    }
    told = [
        f"{'Blocks' if one.level == BLOCKING else 'Look at'}: {one.what}. {one.do}"
        for one in checked.findings
    ]
    run.output.show(
        result,
        f"Dataset {found.id}: {checked.rows} rows read, the digest {found.digest} matches.",
        *([f"The longest row has {checked.longest:,} tokens for {model}."] if model else []),
        *(told or ["Nothing stands out."]),
    )
