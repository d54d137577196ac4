"""Labeling links: the address that lets one annotator label one batch until it expires."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from storage import annotators, batches, clock
from storage import links as link_rows
from storage.errors import WrongInputError
from storage.rows import Link
from storage.workspace import Workspace

DEFAULT_EXPIRY = "7d"
# votes per minute: far above what a person does, below what a script can
DEFAULT_PACE = 1200
LONGEST_EXPIRY_DAYS = 365

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EXPIRY = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
# the key id is the link's id; the secret is 256 random bits in URL-safe base64
_TOKEN = re.compile(r"pw_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class MintedLink:
    """A new link with its token, which is shown once: only a hash of it is kept."""

    link: Link
    token: str


def mint(
    workspace: Workspace,
    batch: str,
    annotator: str,
    expires: str = DEFAULT_EXPIRY,
    simulated: bool = False,
    starts: str | None = None,
    quota: int | None = None,
    pace: int | None = DEFAULT_PACE,
) -> MintedLink:
    """Make a link for an annotator (made when new) to a batch.

    Args:
        batch: name of an existing batch.
        annotator: who labels.
        expires: `30m`, `12h`, `7d` or `2w`, at most 365 days.
        simulated: whether the annotator is a simulated expert, whom no pace holds back.
        starts: when it begins to work, as `parse_start`; None at once. It expires that long after.
        quota: pairs that the annotator may judge in the batch; None without end.
        pace: votes that it takes per minute; None without limit.

    Raises:
        NotFoundError: there is no such batch.
        WrongInputError: the name, a time, the quota or the pace cannot be used.
        ConflictError: a person is asked for under a simulated expert's name, or the reverse.
    """
    lifetime = parse_expiry(expires)
    key, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    with workspace.ledger.write() as tx:
        now = clock.now(tx)
        starts_at = parse_start(starts, now) if starts else None
        link = link_rows.add(
            tx,
            link_id=key,
            batch_id=batches.get(tx, batch).id,
            annotator_id=annotators.get_or_create(tx, annotator, simulated).id,
            secret_hash=secret_hash(secret),
            expires_at=(starts_at or now) + lifetime,
            starts_at=starts_at,
            quota=quota,
            pace=None if simulated else pace,
        )
    return MintedLink(link, token_of(key, secret))


def parse_expiry(expires: str, of: str = "a link") -> int:
    """A lifetime such as `7d` in microseconds; `of` is what lives that long.

    Raises:
        WrongInputError: not a number with m, h, d or w, or longer than 365 days.
    """
    found = _EXPIRY.fullmatch(expires.strip())
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_EXPIRY_DAYS * _UNITS["d"]:
        raise WrongInputError(
            f"{expires[:40]!r} cannot be the lifetime of {of}.",
            "Use a number with m, h, d or w, such as 12h or 7d; at most 365d.",
        )
    return seconds * clock.SECOND


def parse_start(starts: str, now: int) -> int:
    """When a link begins, in microseconds: `2h` or `3d` from `now`, or a date or time such as
    `2026-12-01` or `2026-12-01T08:00+01:00`, in UTC unless it says otherwise.

    Raises:
        WrongInputError: it is neither, or more than 365 days from now.
    """
    words = starts.strip()
    if _EXPIRY.fullmatch(words):
        return now + parse_expiry(words, "the wait before a link")
    try:
        moment = datetime.fromisoformat(words)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        at = round(moment.timestamp() * clock.SECOND)
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at <= now + link_rows.LONGEST_MICROS:
        raise WrongInputError(
            f"{starts[:40]!r} cannot be the start of a link.",
            "Use 12h or 3d from now, or a time such as 2026-12-01 or 2026-12-01T08:00+01:00, at "
            "most 365 days ahead.",
        )
    return at


def url(public_url: str, token: str) -> str:
    """The address to hand to the annotator. The token stands in the fragment, which browsers keep
    to themselves: it reaches no log, proxy or other site.

    Raises:
        WrongInputError: the public URL is no http or https address.
    """
    parts = urlsplit(public_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongInputError(
            f"{public_url!r} cannot be the public URL.", "Use http://host:port or https://host."
        )
    return f"{public_url.rstrip('/')}/j#{token}"


def token_of(link_id: str, secret: str) -> str:
    """What the annotator is given: the link's id and the secret in one word."""
    return f"pw_{link_id}_{secret}"


def split_token(token: str) -> tuple[str, str] | None:
    """The link's id and the secret of a token, or None when it has not the form of one."""
    found = _TOKEN.fullmatch(token.strip())
    return (found[1], found[2]) if found else None


def secret_hash(secret: str) -> str:
    """What the ledger keeps of a secret. 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def secret_matches(link: Link, secret: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(link.secret_hash, secret_hash(secret))
