"""pairwright dataset sft."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.imports import MediaRoot
from console.options import Run, shared

if TYPE_CHECKING:
    from storage.demonstrations import Imported

_REJECTED_SHOWN = 20


File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="JSON lines: messages with the answer last, images, videos."
    ),
]
LabeledBy = Annotated[
    str, typer.Option(metavar="WHO", help="Who says that the answers are good; in every figure.")
]
Holdout = Annotated[
    float, typer.Option(min=0, max=0.99, metavar="P", help="Share of rows kept from training.")
]
Seed = Annotated[int, typer.Option(metavar="N", help="Draws the split.")]


@shared
def import_answers(
    run: Run,
    file: File,
    media_root: MediaRoot = None,
    labeled_by: LabeledBy = "imported",
    holdout: Holdout = 0.1,
    seed: Seed = 0,
) -> None:
    """Make a dataset version of good answers alone, for `train --stage sft`.

    A rejected_response in a record is not looked at. A record that cannot be used is reported with
    its line and reason.
    """
    from console.commands.datasets import as_result
    from console.progress import counting
    from storage import demonstrations

    with run.workspace() as workspace, counting(run.output, "Reading") as advance:
        found = demonstrations.import_file(
            workspace,
            file,
            media_root=media_root,
            labeled_by=labeled_by,
            holdout=holdout,
            seed=seed,
            progress=advance,
        )
    run.output.show(
        as_result(found.version)
        | {"records": found.records, "repeated": found.repeated}
        | {"rejected": [vars(one) for one in found.rejected]},
        *_sentences(found),
    )


def _sentences(found: Imported) -> list[str]:
    version, refused = found.version, found.rejected
    more = len(refused) - _REJECTED_SHOWN
    return [
        f"Dataset {version.id}: {version.rows} answers of {found.records} records, labeled by "
        f"{version.labels}, {version.train} to train, {version.holdout} held out.",
        *([f"{found.repeated} records repeat an earlier one."] if found.repeated else []),
        *(f"  line {one.line}: {one.reason}" for one in refused[:_REJECTED_SHOWN]),
        *([f"  and {more} more; --json lists them all."] if more > 0 else []),
        f"Digest {version.digest}",
    ]
