"""Who is asking: a link's token becomes a cookie, and every request is authorised again by it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from labeling import links, refusals
from storage import clock, sessions
from storage import links as link_rows
from storage.ledger import Connection
from storage.rows import Batch, Link, Session

IDLE_MICROS = 8 * 3600 * clock.SECOND
MOST_BROWSERS = 5
# a session's last use is written at most this often
_TOUCH_MICROS = 60 * clock.SECOND


@dataclass(frozen=True)
class Seat:
    """An annotator at the bench: the session, its link and the link's batch."""

    session: Session
    link: Link
    batch: Batch
    now: int

    @property
    def annotator_id(self) -> str:
        return self.link.annotator_id


@dataclass(frozen=True)
class Entry:
    """A fresh cookie value and the seconds until its link expires."""

    cookie: str
    seconds: int


def exchange(tx: Connection, token: str, old_cookie: str | None) -> Entry:
    """Turn a link's token into a new cookie value.

    A browser that already sat on this link keeps its place under a new session id.

    Raises:
        RefusedError: 404 for a token that fits no link, 410 for one that expired or was withdrawn,
            403 when the link does not work yet or is open in five other browsers.
    """
    parts = links.split_token(token)
    link = link_rows.get(tx, parts[0]) if parts else None
    if link is None or parts is None or not links.secret_matches(link, parts[1]):
        raise refusals.unknown_link()
    now = clock.now(tx)
    _check_open(link, now)
    cookie = secrets.token_urlsafe(32)
    old = sessions.get(tx, _session_id(old_cookie)) if old_cookie else None
    if old is not None and old.link_id == link.id:
        sessions.replace(tx, old.id, _session_id(cookie))
    elif sessions.count(tx, link.id) >= MOST_BROWSERS:
        raise refusals.too_many_browsers(MOST_BROWSERS)
    else:
        sessions.add(tx, _session_id(cookie), link.id)
    link_rows.touch(tx, link.id)
    return Entry(cookie, max(1, (link.expires_at - now) // clock.SECOND))


def authorize(db: Connection, cookie: str | None) -> Seat:
    """The seat of the browser with this cookie.

    Raises:
        RefusedError: 401 without a session or after 8 idle hours, 410 when the link expired or was
            withdrawn since, 403 when it does not work yet.
    """
    found = sessions.find(db, _session_id(cookie)) if cookie else None
    if found is None:
        raise refusals.no_session()
    session, link, batch = found
    now = clock.now(db)
    _check_open(link, now)
    if now - session.last_seen_at > IDLE_MICROS:
        raise refusals.idle_session()
    return Seat(session, link, batch, now)


def note_use(tx: Connection, seat: Seat) -> None:
    """Keep the session awake, with at most one write a minute."""
    if seat.now - seat.session.last_seen_at > _TOUCH_MICROS:
        sessions.touch(tx, seat.session.id)
        link_rows.touch(tx, seat.link.id)


def _check_open(link: Link, now: int) -> None:
    if link.revoked_at is not None:
        raise refusals.revoked_link()
    if link.expires_at <= now:
        raise refusals.expired_link()
    if link.starts_at is not None and link.starts_at > now:
        raise refusals.early_link(_moment(link.starts_at))


def _moment(micros: int) -> str:
    moment = datetime.fromtimestamp(micros / clock.SECOND, UTC)
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _session_id(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
