"""Browsers at the bench of a lead. Their cookies are signed; here they are known, and ended."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import NotFoundError
from storage.inserts import add_if_absent
from storage.rows import Annotator, LeadSession

_table, _who = tables.lead_sessions, tables.annotators
# built once: building it for every request costs more than running it
_FOUND = (
    select(
        *(_table.c[field.name] for field in fields(LeadSession)),
        *(_who.c[field.name] for field in fields(Annotator)),
    )
    .join(_who, _who.c.id == _table.c.annotator_id)
    .where(_table.c.id == bindparam("session"))
)
_SESSION = len(fields(LeadSession))


def add(tx: Connection, session: LeadSession) -> bool:
    """Record a session; False when one with this id was there before."""
    return add_if_absent(tx, _table, vars(session))


def find(db: Connection, session_id: str) -> tuple[LeadSession, Annotator] | None:
    """The session with this id and its lead, or None."""
    row = db.execute(_FOUND, {"session": session_id}).one_or_none()
    return None if row is None else (LeadSession(*row[:_SESSION]), Annotator(*row[_SESSION:]))


def running(db: Connection) -> list[LeadSession]:
    """The sessions that work now, newest first."""
    query = select(_table).where(_table.c.revoked_at.is_(None), _table.c.expires_at > clock.now(db))
    newest = query.order_by(_table.c.created_at.desc(), _table.c.id)
    return [_session(row) for row in db.execute(newest)]


def revoke(tx: Connection, session_id: str) -> LeadSession:
    """End a session now; ending it again changes nothing.

    Raises:
        NotFoundError: no session has this id.
    """
    this = _table.c.id == session_id
    still_open = _table.update().where(this, _table.c.revoked_at.is_(None))
    tx.execute(still_open.values(revoked_at=clock.now(tx)))
    row = tx.execute(select(_table).where(this)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"No browser of a lead has the id {session_id[:80]!r}.",
            "`pairwright lead list` shows them.",
        )
    return _session(row)


def _session(row: Any) -> LeadSession:
    return LeadSession(**row._mapping)
