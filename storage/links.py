"""Links: the capability of one annotator for one batch. Only the hash of its secret is kept."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import ConflictError, NotFoundError
from storage.inserts import add_if_absent
from storage.rows import Link


def add(
    tx: Connection,
    *,
    link_id: str,
    batch_id: str,
    annotator_id: str,
    secret_hash: str,
    expires_at: int,
) -> Link:
    """Record a new link.

    Raises:
        ConflictError: the id is taken.
    """
    link = Link(
        id=link_id,
        batch_id=batch_id,
        annotator_id=annotator_id,
        secret_hash=secret_hash,
        created_at=clock.now(tx),
        expires_at=expires_at,
        revoked_at=None,
        last_seen_at=None,
    )
    if not add_if_absent(tx, tables.links, vars(link)):
        raise ConflictError(f"A link with the id {link_id!r} is already there.", "Make a new one.")
    return link


def get(db: Connection, link_id: str) -> Link | None:
    """The link with this id, or None."""
    table = tables.links
    row = db.execute(select(table).where(table.c.id == link_id)).one_or_none()
    return None if row is None else _link(row)


def listed(db: Connection, batch_id: str | None = None) -> list[Link]:
    """Links of one batch or of all, newest first."""
    table = tables.links
    query = select(table).order_by(table.c.created_at.desc(), table.c.id)
    if batch_id is not None:
        query = query.where(table.c.batch_id == batch_id)
    return [_link(row) for row in db.execute(query)]


def revoke(tx: Connection, link_id: str) -> Link:
    """End a link now; ending it again changes nothing.

    Raises:
        NotFoundError: no link has this id.
    """
    table = tables.links
    open_link = table.update().where(table.c.id == link_id, table.c.revoked_at.is_(None))
    tx.execute(open_link.values(revoked_at=clock.now(tx)))
    link = get(tx, link_id)
    if link is None:
        raise NotFoundError(
            f"No link has the id {link_id[:80]!r}.", "`pairwright link list` shows the links."
        )
    return link


def touch(tx: Connection, link_id: str) -> None:
    """Note that the link was used now."""
    table = tables.links
    tx.execute(table.update().where(table.c.id == link_id).values(last_seen_at=clock.now(tx)))


def _link(row: Any) -> Link:
    return Link(**row._mapping)
