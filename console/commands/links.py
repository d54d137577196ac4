"""pairwright link create, reveal, list, extend, revoke."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared
from console.output import plain_value

if TYPE_CHECKING:
    from labeling.links import MintedLink
    from storage.rows import Link
    from storage.workspace import Workspace

_COLUMNS = {
    "link": "link",
    "batch": "batch",
    "annotator": "annotator",
    "state": "state",
    "votes": "votes",
    "of": "of",
    "pairs/hour": "pairs_per_hour",
    "last vote": "last_vote_at",
    "devices": "devices",
    "last seen": "last_seen_at",
    "expires": "expires_at",
}
Starts = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help="When the link begins to work: 12h or 3d from now, or 2026-12-01T08:00 (UTC). It "
        "works for --expires from then on.",
    ),
]
Expires = Annotated[
    str, typer.Option(metavar="TIME", help="How long the link works: 30m, 12h, 7d or 2w.")
]
Quota = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Pairs that the person may judge; else all.")
]
Pace = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Votes that the link takes per minute; 1200 when left out."
    ),
]
_WHEN_NONE = "Make one: pairwright link create --batch NAME --annotator WHO"


@shared
def create(
    run: Run,
    batch: Annotated[str, typer.Option(metavar="NAME", help="Batch to label.")],
    annotator: Annotated[
        str | None,
        typer.Option(
            metavar="WHO",
            help="Who gets the link; their votes carry the name.",
            show_default=False,
        ),
    ] = None,
    annotators_of: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Instead: a link for everybody who had this batch, with the same quota and pace.",
            show_default=False,
        ),
    ] = None,
    expires: Expires = "7d",
    starts: Starts = None,
    quota: Quota = None,
    pace: Pace = None,
) -> None:
    """Make a link for one person to one batch, or one for each annotator of another batch.

    It is shown once; only a hash of it is kept.
    """
    if (annotator is None) == (annotators_of is None):
        raise typer.BadParameter("a link needs --annotator WHO, or --annotators-of BATCH")
    from labeling import links, prepared_links

    with run.workspace() as workspace:
        _check_batches(workspace, batch, annotators_of)
        if annotator is not None:
            minted = links.mint(
                *(workspace, batch, annotator, expires),
                starts=starts,
                quota=quota,
                pace=pace or links.DEFAULT_PACE,
            )
            _show_one(run, workspace, minted, batch, annotator)
        elif annotators_of is not None:
            if starts or quota or pace:
                raise typer.BadParameter("--annotators-of takes quota and pace as they were")
            many = prepared_links.create_like(workspace, batch, annotators_of, expires)
            _show_all(run, workspace, many, batch)


def _show_one(
    run: Run, workspace: Workspace, minted: MintedLink, batch: str, annotator: str
) -> None:
    from console import serving
    from labeling import links

    url = links.url(serving.known_public_url(workspace.home), minted.token)
    run.output.show(
        {
            "link": minted.link.id,
            "url": url,
            "batch": batch,
            "annotator": annotator,
            "starts_at": minted.link.starts_at,
            "expires_at": minted.link.expires_at,
            "quota": minted.link.quota,
            "pace": minted.link.pace,
        },
        url,
    )
    run.output.say(f"Hand it to {annotator} only; it is not shown again.")


@shared
def reveal(
    run: Run,
    batch: Annotated[str, typer.Option(metavar="NAME", help="Batch whose links are prepared.")],
    expires: Expires = "7d",
) -> None:
    """Show the addresses of prepared links, once: a batch that was made by itself has some.

    A prepared link opens nothing before; its secret is drawn now, and only a hash of it is kept.
    """
    from labeling import prepared_links

    with run.workspace() as workspace:
        _check_batches(workspace, batch, None)
        _show_all(run, workspace, prepared_links.reveal(workspace, batch, expires), batch)


def _check_batches(workspace: Workspace, *wanted: str | None) -> None:
    from console import names
    from console.commands.batches import WHEN_NONE
    from storage import batches

    with workspace.ledger.read() as db:
        known = [one.name for one in batches.listed(db)]
    for name in wanted:
        if name is not None:
            names.check("batch", name, known, WHEN_NONE)


def _show_all(run: Run, workspace: Workspace, minted: Sequence[MintedLink], batch: str) -> None:
    from console import serving
    from labeling import links
    from storage import annotators

    with workspace.ledger.read() as db:
        people = {one.id: one.name for one in annotators.listed(db)}
    public = serving.known_public_url(workspace.home)
    rows = [
        {
            "link": one.link.id,
            "url": links.url(public, one.token),
            "batch": batch,
            "annotator": people[one.link.annotator_id],
            "expires_at": one.link.expires_at,
        }
        for one in minted
    ]
    run.output.show({"links": rows}, *(f"{one['annotator']}: {one['url']}" for one in rows))
    run.output.say("Hand each to its annotator only; they are not shown again.")


@shared
def list_links(
    run: Run,
    batch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the links of this batch.")
    ] = None,
) -> None:
    """List the links, without their secrets.

    pairs/hour counts the time that the page was in sight. devices are browsers that ever opened
    the link.
    """
    from console import names
    from console.commands.batches import WHEN_NONE
    from storage import batches, links

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            by_name = {known.name: known.id for known in batches.listed(db)}
            if batch is not None:
                names.check("batch", batch, by_name, WHEN_NONE)
            found = links.listed(db, by_name[batch] if batch is not None else None)
        rows = _shown(workspace, found)
    run.output.show_rows("links", rows, _COLUMNS, f"There is no link yet. {_WHEN_NONE}")


@shared
def extend(
    run: Run,
    link: Annotated[str, typer.Argument(help="Id of a link.")],
    by: Annotated[
        str, typer.Option(metavar="TIME", help="How much longer: 30m, 12h, 7d or 2w.")
    ] = "7d",
) -> None:
    """Let a link work longer, also one that has expired.

    The time is added to its end, or to now when that has passed.
    """
    from console import names
    from labeling.links import parse_expiry
    from storage import links

    lifetime = parse_expiry(by, "an extension")
    with run.workspace() as workspace, workspace.ledger.write() as tx:
        names.check("link", link, (known.id for known in links.listed(tx)), _WHEN_NONE)
        extended = links.extend(tx, link, lifetime)
    result = {"link": link, "expires_at": extended.expires_at}
    shown = plain_value(result)["expires_at"]
    run.output.show(result, f"Link {link} works until {shown}.")


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


COMMANDS = {
    "create": create,
    "reveal": reveal,
    "list": list_links,
    "extend": extend,
    "revoke": revoke,
}


def _shown(workspace: Workspace, found: Sequence[Link]) -> list[dict[str, Any]]:
    from storage import analytics, annotators, batches, clock, links, sessions
    from storage.analytics import activity

    with analytics.open(workspace).reading() as view:
        activities = activity.by_annotator(view)
    with workspace.ledger.read() as db:
        now, devices = clock.now(db), sessions.counts(db)
        people = {each.id: each.name for each in annotators.listed(db)}
        of = {each.id: each for each in batches.listed(db)}
        sizes = {batch_id: batches.pair_count(db, batch_id) for batch_id in of}
    rows = []
    for link in found:
        who = people[link.annotator_id]
        done = activities.get((link.batch_id, who))
        rows.append(
            {
                "link": link.id,
                "batch": of[link.batch_id].name,
                "annotator": who,
                "state": links.state(link, now),
                "votes": done.votes if done else 0,
                "of": link.quota or sizes[link.batch_id],
                "pairs_per_hour": done.pairs_per_hour if done else None,
                "last_vote_at": done.last_vote_at if done else None,
                "devices": devices.get(link.id, 0),
                "last_seen_at": link.last_seen_at,
                "starts_at": link.starts_at,
                "expires_at": link.expires_at,
                "pace": link.pace,
            }
        )
    return rows
