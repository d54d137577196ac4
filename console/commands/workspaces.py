"""pairwright init."""

from __future__ import annotations

from typing import Annotated

import typer

from console.options import Run, shared


@shared
def init(
    run: Run,
    ledger_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Database of the ledger, such as postgresql://user@host/name (password: PGPASSWORD"
            " or ~/.pgpass). Default: a SQLite file in the workspace.",
        ),
    ] = None,
    media_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where pictures and videos are kept: a folder, or any fsspec URL such as "
            "s3://bucket/folder. Default: a folder of the workspace.",
        ),
    ] = None,
) -> None:
    """Make a workspace.

    Doing it again changes nothing.
    """
    from storage import workspace

    before = (run.home / "workspace.json").exists()
    workspace.create(run.home, ledger_url, media_url).close()
    said = "is there already" if before else "was made"
    run.output.show(
        {"home": run.home, "created": not before},
        f"The workspace {run.home} {said}.",
        "Next: pairwright import FILE --batch NAME",
    )
