"""Who may call the API.

Times are integer microseconds since 1970-01-01 UTC and end in `_at`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ApiKey:
    """The capability of one program. Only the hash of its secret is kept.

    Attributes:
        scope: `read`, or `write`, which may read too.
        expires_at: None for a key that lasts until it is revoked.
    """

    id: str
    name: str
    secret_hash: str
    scope: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
