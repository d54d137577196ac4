"""Who decides: the console mints a link for a lead, the labeling server turns it into a cookie.

Both are signed with the workspace's own secret, each for its purpose alone; an annotator's token or
cookie fits neither. A link opens once and within two minutes. The browser that opened it is kept
under the link's random name, so that it is ended by that name, with the next request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from labeling import links
from labeling.refusals import RefusedError
from storage import annotators, batches, clock, lead_sessions
from storage.ledger import Connection
from storage.rows import Annotator, LeadSession
from storage.workspace import Workspace

LINK_SECONDS = 120
SESSION_SECONDS = 8 * 3600
DEFAULT_LEAD = "lead"
_EVERY_BATCH = "all"
_LINK, _COOKIE = "link of a lead", "cookie of a lead"
# lead, batch or all, the random name, microseconds until it ends, signature
_SIGNED = re.compile(r"([0-9a-f]{32})_([0-9a-f]{64}|all)_([0-9a-f]{32})_(\d{16})_([\w-]{43})", re.A)
_PREFIX = "pwl_"
_AGAIN = "Press Settle disputes in the console again."


@dataclass(frozen=True)
class LeadSeat:
    """A lead at the bench. `batch_id` is the only batch that is open to it, None for all."""

    lead: Annotator
    batch_id: str | None
    now: int


@dataclass(frozen=True)
class LeadEntry:
    """A fresh cookie value and the seconds that it lasts."""

    cookie: str
    seconds: int


@dataclass(frozen=True)
class _Grant:
    lead_id: str
    scope: str
    # of the link, and of the browser that opened it
    name: str
    until: int

    def signed(self, secret: bytes, purpose: str) -> str:
        words = f"{self.lead_id}_{self.scope}_{self.name}_{self.until:016d}"
        digest = hmac.new(secret, f"{purpose}/{words}".encode(), hashlib.sha256).digest()
        return f"{words}_{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def mint(workspace: Workspace, lead: str, batch: str | None = None) -> str:
    """The token of a link for a lead (made when new) to one batch or to all.

    Raises:
        NotFoundError: there is no such batch.
        WrongInputError: the name cannot be used.
        ConflictError: it is the name of a simulated expert.
    """
    with workspace.ledger.write() as tx:
        grant = _Grant(
            lead_id=annotators.get_or_create(tx, lead).id,
            scope=batches.get(tx, batch).id if batch else _EVERY_BATCH,
            name=secrets.token_hex(16),
            until=clock.now(tx) + LINK_SECONDS * clock.SECOND,
        )
    return _PREFIX + grant.signed(workspace.secret(), _LINK)


def address(workspace: Workspace, public_url: str, lead: str, batch: str | None = None) -> str:
    """The address of a new link; see `mint`. The token stands in the fragment."""
    return links.url(public_url, mint(workspace, lead, batch))


def exchange(tx: Connection, token: str, secret: bytes) -> LeadEntry:
    """Turn a link's token into a cookie value.

    Raises:
        RefusedError: 404 for a token that we did not sign, 410 for one that ended or was opened.
    """
    found = _checked(token.removeprefix(_PREFIX), secret, _LINK)
    if found is None or not token.startswith(_PREFIX):
        raise RefusedError(404, "This link of a lead is not valid.", _AGAIN)
    now = clock.now(tx)
    if found.until <= now:
        raise RefusedError(410, "This link has ended: it opens within two minutes.", _AGAIN)
    until = now + SESSION_SECONDS * clock.SECOND
    batch_id = None if found.scope == _EVERY_BATCH else found.scope
    if not lead_sessions.add(
        tx, LeadSession(found.name, found.lead_id, batch_id, now, until, revoked_at=None)
    ):
        raise RefusedError(410, "This link was opened before: it opens once.", _AGAIN)
    cookie = _Grant(found.lead_id, found.scope, found.name, until)
    return LeadEntry(cookie.signed(secret, _COOKIE), SESSION_SECONDS)


def authorize(db: Connection, cookie: str | None, secret: bytes) -> LeadSeat:
    """The seat of the browser with this cookie.

    Raises:
        RefusedError: 401 without a cookie of ours, after 8 hours, or when it was ended.
    """
    grant = _checked(cookie or "", secret, _COOKIE)
    now = clock.now(db)
    if grant is None or grant.until <= now:
        what = "This browser has not opened the bench of a lead, or longer than 8 hours ago."
        raise RefusedError(401, what, "Press Settle disputes in the console.")
    found = lead_sessions.find(db, grant.name)
    if found is None:
        # the ledger was restored from a time before
        raise RefusedError(401, "This browser of a lead is not known any more.", _AGAIN)
    session, lead = found
    if session.revoked_at is not None:
        raise RefusedError(401, "The bench of a lead was closed for this browser.", _AGAIN)
    return LeadSeat(lead, session.batch_id, now)


def cookie_name(https: bool) -> str:
    """Browsers keep `__Host-` cookies for this very host and https only."""
    return "__Host-pairwright-lead" if https else "pairwright-lead"


def _checked(text: str, secret: bytes, purpose: str) -> _Grant | None:
    """What a text grants, if we signed it for this purpose."""
    parts = _SIGNED.fullmatch(text)
    if parts is None:
        return None
    grant = _Grant(parts[1], parts[2], parts[3], int(parts[4]))
    return grant if hmac.compare_digest(grant.signed(secret, purpose), text) else None
