"""pairwright checkpoint merge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.options import Run, shared


@shared
def merge(
    run: Run,
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="Name or id of a checkpoint.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for the model.")],
) -> None:
    """Merge an adapter into the weights underneath.

    The folder is a model of its own: safetensors, configuration, processor and a manifest. It is
    loaded again and compared with the adapter before it gets its name.
    """
    from console import names
    from storage import checkpoints
    from training.modeling import merging

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            known = [name for row in checkpoints.listed(db) for name in (row.name, row.id)]
        names.check("checkpoint", checkpoint, known, "Checkpoints: pairwright checkpoint list")
        made = merging.merge(workspace, checkpoint, out, run.output.say)
    run.output.show(
        {**vars(made), "folder": str(made.folder)},
        f"Merged {checkpoint} into {made.folder}, {made.dtype}.",
        f"Its log-probabilities differ from the adapter's by at most {made.difference:.2g} nats.",
        f"  sha256 of its files: {made.sha256}",
    )
