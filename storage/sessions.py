"""Sessions: browsers that exchanged a link for a cookie. Only the hash of the cookie is kept."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import bindparam, func, select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import ConflictError
from storage.inserts import add_if_absent
from storage.rows import Batch, Link, Session

_PARTS = ((tables.sessions, Session), (tables.links, Link), (tables.batches, Batch))
# built once: building it for every request costs more than running it
_FOUND = (
    select(*(table.c[field.name] for table, kind in _PARTS for field in fields(kind)))
    .join(tables.links, tables.links.c.id == tables.sessions.c.link_id)
    .join(tables.batches, tables.batches.c.id == tables.links.c.batch_id)
    .where(tables.sessions.c.id == bindparam("session"))
)
_SESSION, _LINK = len(fields(Session)), len(fields(Session)) + len(fields(Link))


def add(tx: Connection, session_id: str, link_id: str) -> Session:
    """Record a new session. `session_id` is the SHA-256 of the cookie's value.

    Raises:
        ConflictError: the id is taken.
    """
    now = clock.now(tx)
    session = Session(session_id, link_id, created_at=now, last_seen_at=now)
    if not add_if_absent(tx, tables.sessions, vars(session)):
        raise ConflictError("A session with this cookie is already there.", "Open the link again.")
    return session


def get(db: Connection, session_id: str) -> Session | None:
    """The session with this id, or None."""
    table = tables.sessions
    row = db.execute(select(table).where(table.c.id == session_id)).one_or_none()
    return None if row is None else Session(**row._mapping)


def find(db: Connection, session_id: str) -> tuple[Session, Link, Batch] | None:
    """The session with this id, its link and the link's batch, or None."""
    row = db.execute(_FOUND, {"session": session_id}).one_or_none()
    if row is None:
        return None
    return Session(*row[:_SESSION]), Link(*row[_SESSION:_LINK]), Batch(*row[_LINK:])


def count(db: Connection, link_id: str) -> int:
    """Number of browsers that ever used this link."""
    table = tables.sessions
    query = select(func.count()).select_from(table).where(table.c.link_id == link_id)
    return int(db.execute(query).scalar_one())


def counts(db: Connection) -> dict[str, int]:
    """Link -> number of browsers that ever used it; one that nobody opened is not in."""
    table = tables.sessions
    query = select(table.c.link_id, func.count()).group_by(table.c.link_id)
    return {link_id: int(found) for link_id, found in db.execute(query)}


def touch(tx: Connection, session_id: str) -> None:
    """Note that the session was used now."""
    table = tables.sessions
    tx.execute(table.update().where(table.c.id == session_id).values(last_seen_at=clock.now(tx)))


def replace(tx: Connection, session_id: str, new_id: str) -> None:
    """Go on under a new id, so that a browser which opens its link again counts once."""
    table = tables.sessions
    renewed = table.update().where(table.c.id == session_id)
    tx.execute(renewed.values(id=new_id, last_seen_at=clock.now(tx)))
