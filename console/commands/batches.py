"""pairwright batch create, list, show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from storage.ledger import Connection
    from storage.rows import Batch

WHEN_NONE = "Make one: pairwright import FILE --batch NAME"
_COLUMNS = {"name": "name", "pairs": "pairs", "overlap": "overlap", "votes": "votes"}


@shared
def create(
    run: Run,
    name: Annotated[str, typer.Argument(help="Name of the new batch.")],
    overlap: Annotated[int, typer.Option(min=1, metavar="N", help="Votes wanted per pair.")] = 1,
    guidelines: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Text with what annotators should know."),
    ] = None,
    both_bad: Annotated[
        bool, typer.Option("--both-bad", help="Annotators may say that both answers are bad.")
    ] = False,
) -> None:
    """Make an empty batch.

    Import and sample put pairs into it, or make one of their own.
    """
    from storage import batches

    text = _read_guidelines(guidelines) if guidelines else ""
    with run.workspace() as workspace, workspace.ledger.write() as tx:
        batch = batches.create(tx, name, overlap=overlap, guidelines=text, both_bad=both_bad)
    run.output.show(
        {"batch": batch.name, "overlap": batch.overlap},
        f"Batch {batch.name} was made, {batch.overlap} votes wanted per pair.",
        f"Next: pairwright import FILE --batch {batch.name}",
    )


@shared
def list_batches(run: Run) -> None:
    """List the batches with their pairs and votes."""
    from storage import batches

    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = [_summary(db, batch) for batch in batches.listed(db)]
    run.output.show_rows("batches", found, _COLUMNS, f"There is no batch yet. {WHEN_NONE}")


@shared
def show(run: Run, name: Annotated[str, typer.Argument(help="Name of a batch.")]) -> None:
    """Show one batch, with votes by annotator."""
    from console import names
    from storage import batches

    with run.workspace() as workspace, workspace.ledger.read() as db:
        names.check("batch", name, (batch.name for batch in batches.listed(db)), WHEN_NONE)
        batch = batches.get(db, name)
        found = {**_summary(db, batch), "by_annotator": _by_annotator(db, batch)}
        found |= {"guidelines": batch.guidelines, "both_bad": batch.both_bad}
    run.output.show(
        found,
        f"Batch {name}: {found['pairs']} pairs, overlap {batch.overlap}, {found['votes']} votes.",
        *(f"  {who}: {count} votes" for who, count in found["by_annotator"].items()),
        *([batch.guidelines] if batch.guidelines else []),
    )


COMMANDS = {"create": create, "list": list_batches, "show": show}


def _summary(db: Connection, batch: Batch) -> dict[str, Any]:
    from storage import batches, votes

    return {
        "name": batch.name,
        "pairs": batches.pair_count(db, batch.id),
        "overlap": batch.overlap,
        "votes": len(votes.effective(db, batch_id=batch.id)),
        "created_at": batch.created_at,
    }


def _by_annotator(db: Connection, batch: Batch) -> dict[str, int]:
    from collections import Counter

    from storage import votes

    cast = Counter(vote.annotator for vote in votes.effective(db, batch_id=batch.id))
    return dict(sorted(cast.items()))


def _read_guidelines(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read as text ({error})") from error
