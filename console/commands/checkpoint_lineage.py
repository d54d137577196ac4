"""pairwright checkpoint lineage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from rounds.lineage import Turn


@shared
def lineage(
    run: Run,
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="Name or id of a checkpoint.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every row with its votes there, as JSON lines."),
    ] = None,
) -> None:
    """Trace a checkpoint back to the votes that it learned from.

    Shows its ancestors with their dataset versions and rounds. With --out every row says in which
    batches its pair was, why it was chosen, where its answers come from, and who voted how.
    """
    from rounds import lineage as lines

    with run.workspace() as workspace:
        turns = lines.turns(workspace, checkpoint)
        told = [_as_json(turn) for turn in turns]
        written = votes = 0
        if out is not None:
            with out.open("w", encoding="utf-8") as file:
                for row in lines.rows(workspace, turns[-1].version):
                    file.write(json.dumps(row.as_json(), ensure_ascii=False) + "\n")
                    written += 1
                    votes += len(row.votes)
    result: dict[str, Any] = {"checkpoint": turns[-1].checkpoint.name, "line": told}
    if out is not None:
        result |= {"file": str(out), "rows": written, "votes": votes}
    run.output.show(
        result,
        *(_sentence(turn) for turn in turns),
        *([f"{written} rows with {votes} votes are in {out}."] if out is not None else []),
    )


def _as_json(turn: Turn) -> dict[str, Any]:
    return {
        "checkpoint": turn.checkpoint.name,
        "id": turn.checkpoint.id,
        "dataset": turn.version.id,
        "digest": turn.version.digest,
        "rows": turn.version.rows,
        "labels": turn.version.labels,
        "round": turn.round,
    }


def _sentence(turn: Turn) -> str:
    number = "" if turn.round is None else f" of round {turn.round}"
    return (
        f"{turn.checkpoint.name}: {turn.version.rows} rows of version {turn.version.id}{number}, "
        f"labeled by {turn.version.labels}."
    )
