"""Links: the capability of one annotator for one batch. Only the hash of its secret is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.inserts import add_if_absent
from storage.rows import Link

# the words for what a link is now
PREPARED = "prepared"
STATES = (PREPARED, "active", "not yet", "expired", "revoked")
# in place of a hash; no hash is empty, so that no secret fits it
NO_SECRET = ""
LONGEST_MICROS = 365 * clock.DAY


def add(
    tx: Connection,
    *,
    link_id: str,
    batch_id: str,
    annotator_id: str,
    secret_hash: str,
    expires_at: int,
    starts_at: int | None = None,
    quota: int | None = None,
    pace: int | None = None,
) -> Link:
    """Record a new link. Arguments are as the fields of Link.

    Raises:
        WrongInputError: quota or pace cannot be used, or it would end before it starts.
        ConflictError: the id is taken.
    """
    _check(expires_at, starts_at, quota, pace)
    link = Link(
        id=link_id,
        batch_id=batch_id,
        annotator_id=annotator_id,
        secret_hash=secret_hash,
        created_at=clock.now(tx),
        expires_at=expires_at,
        revoked_at=None,
        last_seen_at=None,
        starts_at=starts_at,
        quota=quota,
        pace=pace,
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
        raise _unknown(link_id)
    return link


def extend(tx: Connection, link_id: str, by: int) -> Link:
    """Let a link work longer: `by` microseconds after its end, or from now when that has passed.

    Raises:
        NotFoundError: no link has this id.
        ConflictError: the link was revoked, or has no address yet.
        WrongInputError: it would end more than 365 days from now.
    """
    found = get(tx, link_id)
    if found is None:
        raise _unknown(link_id)
    if found.revoked_at is not None:
        raise ConflictError(
            f"Link {link_id} was revoked, so it is not extended.",
            "Make a new one: `pairwright link create --batch NAME --annotator WHO`.",
        )
    if found.secret_hash == NO_SECRET:
        raise ConflictError(
            f"Link {link_id} is prepared: how long it works is said when its address is shown.",
            "Show it: `pairwright link reveal --batch NAME`.",
        )
    now = clock.now(tx)
    ends = max(found.expires_at, now) + by
    if by <= 0 or ends > now + LONGEST_MICROS:
        raise WrongInputError(
            f"Link {link_id} cannot be extended by {by / clock.DAY:g} days.",
            "A link ends at most 365 days from now, and not earlier than before.",
        )
    table = tables.links
    tx.execute(table.update().where(table.c.id == link_id).values(expires_at=ends))
    return replace(found, expires_at=ends)


def give_secret(tx: Connection, link_id: str, secret_hash: str, expires_at: int) -> Link:
    """Let a prepared link work from now on.

    Raises:
        NotFoundError: no link has this id.
        ConflictError: it has a secret already, or was revoked.
    """
    table = tables.links
    waiting = table.update().where(
        table.c.id == link_id, table.c.secret_hash == NO_SECRET, table.c.revoked_at.is_(None)
    )
    given = tx.execute(waiting.values(secret_hash=secret_hash, expires_at=expires_at))
    link = get(tx, link_id)
    if link is None:
        raise _unknown(link_id)
    if not given.rowcount:
        raise ConflictError(
            f"The address of link {link_id} was shown before, or the link was revoked.",
            "Make a new one: `pairwright link create --batch NAME --annotator WHO`.",
        )
    return link


def state(link: Link, now: int) -> str:
    """What a link is at a moment: one of `STATES`. A prepared one opens nothing yet."""
    if link.revoked_at is not None:
        return "revoked"
    if link.secret_hash == NO_SECRET:
        return PREPARED
    if link.expires_at <= now:
        return "expired"
    return "not yet" if link.starts_at is not None and link.starts_at > now else "active"


def touch(tx: Connection, link_id: str) -> None:
    """Note that the link was used now."""
    table = tables.links
    tx.execute(table.update().where(table.c.id == link_id).values(last_seen_at=clock.now(tx)))


def _check(expires_at: int, starts_at: int | None, quota: int | None, pace: int | None) -> None:
    if starts_at is not None and starts_at >= expires_at:
        raise WrongInputError(
            "The link would end before it starts.", "Let it work longer, or start earlier."
        )
    for name, number in (("quota", quota), ("pace", pace)):
        if number is not None and number < 1:
            raise WrongInputError(f"A {name} of {number} cannot be used.", "Use 1 or more.")


def _unknown(link_id: str) -> NotFoundError:
    return NotFoundError(
        f"No link has the id {link_id[:80]!r}.", "`pairwright link list` shows the links."
    )


def _link(row: Any) -> Link:
    return Link(**row._mapping)
