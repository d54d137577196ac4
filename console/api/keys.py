"""API keys: making one, and who is behind the one that a request carries."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass

from console.api.problems import ProblemError
from labeling.links import parse_expiry, secret_hash
from storage import api_keys, clock
from storage.errors import PairwrightError
from storage.ledger import Connection
from storage.rows import ApiKey
from storage.workspace import Workspace

READ, WRITE = api_keys.SCOPES
# the id is the row's; the secret is 256 random bits in URL-safe base64
_TOKEN = re.compile(r"pwk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
# the last use is written at most this often
_TOUCH_MICROS = 60 * clock.SECOND
_HOW = "Send the header: Authorization: Bearer KEY. Make one: pairwright api-key create --name NAME"
# compared with when no key has the id, so that both refusals take the same steps
_NOBODY = secret_hash("")


@dataclass(frozen=True)
class MintedKey:
    """A new key with its token, which is shown once: only a hash of it is kept."""

    key: ApiKey
    token: str


def mint(
    workspace: Workspace, name: str, scope: str = READ, expires: str | None = None
) -> MintedKey:
    """Make a key.

    Args:
        name: what uses it.
        scope: `read`, or `write`, which may read too.
        expires: `12h`, `90d` and the like, at most 365 days; None lasts until it is revoked.

    Raises:
        WrongInputError: name, scope or expiry cannot be used.
        ConflictError: the name is taken.
    """
    lifetime = None if expires is None else parse_expiry(expires, "an API key")
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    with workspace.ledger.write() as tx:
        key = api_keys.add(
            tx,
            key_id=key_id,
            name=name,
            secret_hash=secret_hash(secret),
            scope=scope,
            lifetime=lifetime,
        )
    return MintedKey(key, f"pwk_{key_id}_{secret}")


def authorize(db: Connection, header: str | None, scope: str) -> tuple[ApiKey, bool]:
    """The key of a request with this Authorization header, and whether its use is to be noted.

    Raises:
        ProblemError: 401 without a usable key, 403 when its scope does not reach.
    """
    kind, _, token = (header or "").strip().partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise ProblemError(401, "The request carries no API key.", _HOW)
    found = _TOKEN.fullmatch(token.strip())
    key = api_keys.get(db, found[1]) if found else None
    expected = _NOBODY if key is None else key.secret_hash
    matches = hmac.compare_digest(expected, secret_hash(found[2] if found else "-"))
    if key is None or not matches:
        raise ProblemError(401, "The API key is not known here.", _HOW)
    now = clock.now(db)
    if key.revoked_at is not None:
        raise ProblemError(401, f"The API key {key.name!r} was revoked.", _HOW)
    if key.expires_at is not None and key.expires_at <= now:
        raise ProblemError(401, f"The API key {key.name!r} has expired.", _HOW)
    if scope == WRITE and key.scope != WRITE:
        raise ProblemError(
            403,
            f"The API key {key.name!r} may only read.",
            "Make one that writes: pairwright api-key create --name NAME --scope write",
        )
    return key, key.last_used_at is None or now - key.last_used_at > _TOUCH_MICROS


def note_use(workspace: Workspace, key: ApiKey) -> None:
    """Write when the key was last used; a ledger that is busy is no reason to refuse a request."""
    try:
        with workspace.ledger.write() as tx:
            api_keys.touch(tx, key.id)
    except PairwrightError:
        return
