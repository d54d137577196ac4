"""pairwright link create, list, revoke."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from storage.ledger import Connection
    from storage.rows import Link

_COLUMNS = {
    "link": "link",
    "batch": "batch",
    "annotator": "annotator",
    "state": "state",
    "expires": "expires_at",
    "last seen": "last_seen_at",
}
_WHEN_NONE = "Make one: pairwright link create --batch NAME --annotator WHO"


@shared
def create(
    run: Run,
    batch: Annotated[str, typer.Option(metavar="NAME", help="Batch to label.")],
    annotator: Annotated[
        str, typer.Option(metavar="WHO", help="Who gets the link; their votes carry the name.")
    ],
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="How long the link works: 30m, 12h, 7d or 2w.")
    ] = "7d",
) -> None:
    """Make a link for one person to one batch.

    It is shown once; only a hash of it is kept.
    """
    from console import names, serving
    from console.commands.batches import WHEN_NONE
    from labeling import links
    from storage import batches

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            names.check("batch", batch, (known.name for known in batches.listed(db)), WHEN_NONE)
        minted = links.mint(workspace, batch, annotator, expires=expires)
        url = links.url(serving.known_public_url(workspace.home), minted.token)
    run.output.show(
        {
            "link": minted.link.id,
            "url": url,
            "batch": batch,
            "annotator": annotator,
            "expires_at": minted.link.expires_at,
        },
        url,
    )
    run.output.say(f"Hand it to {annotator} only; it is not shown again.")


@shared
def list_links(
    run: Run,
    batch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the links of this batch.")
    ] = None,
) -> None:
    """List the links, without their secrets."""
    from console import names
    from console.commands.batches import WHEN_NONE
    from storage import batches, links

    with run.workspace() as workspace, workspace.ledger.read() as db:
        by_name = {known.name: known.id for known in batches.listed(db)}
        if batch is not None:
            names.check("batch", batch, by_name, WHEN_NONE)
        found = links.listed(db, by_name[batch] if batch is not None else None)
        rows = [_shown(db, link) for link in found]
    run.output.show_rows("links", rows, _COLUMNS, f"There is no link yet. {_WHEN_NONE}")


@shared
def revoke(run: Run, link: Annotated[str, typer.Argument(help="Id of a link.")]) -> None:
    """End a link now; its votes stay."""
    from console import names
    from storage import links

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        names.check("link", link, (known.id for known in links.listed(tx)), _WHEN_NONE)
        revoked = links.revoke(tx, link)
    run.output.show(
        {"link": revoked.id, "revoked_at": revoked.revoked_at}, f"Link {link} no longer works."
    )


COMMANDS = {"create": create, "list": list_links, "revoke": revoke}


def _shown(db: Connection, link: Link) -> dict[str, Any]:
    from storage import annotators, batches

    return {
        "link": link.id,
        "batch": batches.by_id(db, link.batch_id).name,
        "annotator": annotators.by_id(db, link.annotator_id).name,
        "state": _state(link),
        "expires_at": link.expires_at,
        "last_seen_at": link.last_seen_at,
    }


def _state(link: Link) -> str:
    if link.revoked_at is not None:
        return "revoked"
    return "expired" if link.expires_at <= time.time_ns() // 1000 else "active"
