"""pairwright batch guidelines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.options import Run, shared


@shared
def guidelines(
    run: Run,
    name: Annotated[str, typer.Argument(help="Name of a batch.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A text that becomes the next version.")
    ] = None,
) -> None:
    """Show the versions of a batch's guidelines, or make a text the next one.

    The bench shows the newest one at once, and every vote records which was on the page. An example
    is a paragraph of lines that begin with Example, Prompt:, A:, B:, Better:, and Why:.
    """
    from console import names
    from console.commands.batches import WHEN_NONE, read_guidelines
    from storage import batches
    from storage import guidelines as versions

    text = read_guidelines(file) if file else None
    with run.workspace() as workspace, workspace.ledger.write() as tx:
        names.check("batch", name, (batch.name for batch in batches.listed(tx)), WHEN_NONE)
        batch = batches.get(tx, name)
        if text is not None:
            versions.write(tx, batch.id, text)
        batch = batches.get(tx, name)
        counted = versions.votes_by_version(tx, batch.id)
        found = [
            {
                "version": each.version,
                "created_at": each.created_at,
                "votes": counted.get(each.version, 0),
                "text": each.text,
            }
            for each in versions.versions(tx, batch.id)
        ]
    if run.output.as_json or not found:
        run.output.show(
            {"batch": name, "version": batch.guidelines_version, "versions": found},
            f"Batch {name} has no guidelines. Give it a file with a text.",
        )
        return
    columns = {"version": "version", "made": "created_at", "votes": "votes"}
    run.output.show_rows("versions", found, columns, "")
    run.output.show({}, "", batch.guidelines)


COMMANDS = {"guidelines": guidelines}
