"""Links made before anybody is there to see their addresses: prepared without any secret.

A prepared link opens nothing. Its secret is drawn when a lead has its address shown, once, and is
handed over then; so nothing that lies in the ledger could ever be used as one.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from labeling import links
from labeling.links import MintedLink
from storage import annotators, batches, clock, exclusions
from storage import links as link_rows
from storage.errors import NotFoundError, WrongInputError
from storage.ledger import Connection
from storage.rows import Batch, Link
from storage.workspace import Workspace


@dataclass(frozen=True)
class Panel:
    """The people who had a batch.

    Attributes:
        batch: its name; empty when there are none.
        links: the newest link of each, by the person's name.
    """

    batch: str
    links: Sequence[Link]


def panel_of(db: Connection, candidates: Sequence[Batch]) -> Panel:
    """Those of the first of some batches that people have links to.

    Left out are simulated experts, revoked links, and who is excluded everywhere or there.
    """
    people = {one.id: one.name for one in annotators.listed(db) if not one.simulated}
    out = exclusions.in_force(db)
    for batch in candidates:
        newest: dict[str, Link] = {}
        for link in link_rows.listed(db, batch.id):
            name = people.get(link.annotator_id, "")
            barred = name in out.everywhere or (batch.id, name) in out.in_batches
            if name and not barred:
                newest.setdefault(name, link)
        newest = {name: one for name, one in newest.items() if one.revoked_at is None}
        if newest:
            return Panel(batch.name, [newest[name] for name in sorted(newest)])
    return Panel("", ())


def prepare(tx: Connection, batch: Batch, panel: Panel) -> list[Link]:
    """A link without a secret for each of the panel, with the quota and pace of the one they had.

    Who has a link to the batch already gets none.
    """
    there = {link.annotator_id for link in link_rows.listed(tx, batch.id)}
    latest = clock.now(tx) + link_rows.LONGEST_MICROS
    return [
        link_rows.add(
            tx,
            link_id=secrets.token_hex(8),
            batch_id=batch.id,
            annotator_id=before.annotator_id,
            secret_hash=link_rows.NO_SECRET,
            expires_at=latest,
            quota=before.quota,
            pace=before.pace,
        )
        for before in panel.links
        if before.annotator_id not in there
    ]


def reveal(
    workspace: Workspace, batch: str, expires: str = links.DEFAULT_EXPIRY
) -> list[MintedLink]:
    """Give every prepared link of a batch its secret: each token is returned this once.

    Args:
        expires: how long they work from now on, as `labeling.links.mint`.

    Raises:
        NotFoundError: there is no such batch, or no link of it is prepared.
        WrongInputError: the lifetime cannot be used.
    """
    lifetime = links.parse_expiry(expires)
    with workspace.ledger.write() as tx:
        found = batches.get(tx, batch)
        now = clock.now(tx)
        waiting = [
            link
            for link in reversed(link_rows.listed(tx, found.id))
            if link_rows.state(link, now) == link_rows.PREPARED
        ]
        if not waiting:
            raise NotFoundError(
                f"No link of batch {batch!r} waits for its address.",
                f"Make one: pairwright link create --batch {batch} --annotator WHO",
            )
        return [_revealed(tx, link, now + lifetime) for link in waiting]


def create_like(
    workspace: Workspace, batch: str, other: str, expires: str = links.DEFAULT_EXPIRY
) -> list[MintedLink]:
    """Links to a batch for everybody who had another one; each token is returned this once.

    Raises:
        NotFoundError: there is no such batch.
        WrongInputError: nobody had the other one, or all of them have a link already.
    """
    with workspace.ledger.write() as tx:
        panel = panel_of(tx, [batches.get(tx, other)])
        made = prepare(tx, batches.get(tx, batch), panel)
        if not made:
            there = f"all {len(panel.links)} have one to {batch!r}"
            why = there if panel.links else "nobody had one to that"
            raise WrongInputError(
                f"No link was made for the annotators of batch {other!r}: {why}.",
                "Make single ones: pairwright link create --batch NAME --annotator WHO",
            )
        ends = clock.now(tx) + links.parse_expiry(expires)
        return [_revealed(tx, link, ends) for link in made]


def _revealed(tx: Connection, link: Link, expires_at: int) -> MintedLink:
    secret = secrets.token_urlsafe(32)
    opened = link_rows.give_secret(tx, link.id, links.secret_hash(secret), expires_at)
    return MintedLink(opened, links.token_of(link.id, secret))
