"""Keys of the API: one program's capability. Only the hash of its secret is kept."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.inserts import add_if_absent
from storage.rows import ApiKey

SCOPES = ("read", "write")
LONGEST_NAME = 100


def add(
    tx: Connection,
    *,
    key_id: str,
    name: str,
    secret_hash: str,
    scope: str,
    lifetime: int | None = None,
) -> ApiKey:
    """Record a new key.

    Args:
        name: what uses it, one line of 1 to 100 characters, unique for ever.
        scope: `read` or `write`.
        lifetime: microseconds until it expires, or None.

    Raises:
        WrongInputError: name or scope cannot be used.
        ConflictError: the id or the name is taken, also by a key that was revoked.
    """
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise WrongInputError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of an API key.",
            f"Give one line of 1 to {LONGEST_NAME} characters that says what uses it.",
        )
    if scope not in SCOPES:
        raise WrongInputError(f"There is no scope {scope[:40]!r}.", "Use read or write.")
    now = clock.now(tx)
    key = ApiKey(
        id=key_id,
        name=name,
        secret_hash=secret_hash,
        scope=scope,
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
        revoked_at=None,
        last_used_at=None,
    )
    if not add_if_absent(tx, tables.api_keys, vars(key)):
        raise ConflictError(
            f"An API key named {name!r} is already there.",
            "Choose another name; a revoked key keeps its own, so that records stay clear.",
        )
    return key


def get(db: Connection, key_id: str) -> ApiKey | None:
    """The key with this id, or None."""
    table = tables.api_keys
    row = db.execute(select(table).where(table.c.id == key_id)).one_or_none()
    return None if row is None else _key(row)


def listed(db: Connection) -> list[ApiKey]:
    """All keys, newest first."""
    table = tables.api_keys
    query = select(table).order_by(table.c.created_at.desc(), table.c.id)
    return [_key(row) for row in db.execute(query)]


def revoke(tx: Connection, id_or_name: str) -> ApiKey:
    """End a key now; ending it again changes nothing.

    Raises:
        NotFoundError: no key has this id or name.
    """
    table = tables.api_keys
    either = or_(table.c.id == id_or_name, table.c.name == id_or_name)
    found = [_key(row) for row in tx.execute(select(table).where(either))]
    # a name may spell another key's id: the id wins
    found.sort(key=lambda key: key.id != id_or_name)
    if not found:
        raise NotFoundError(
            f"No API key has the id or name {id_or_name[:80]!r}.",
            "`pairwright api-key list` shows the keys.",
        )
    this = table.c.id == found[0].id
    open_key = table.update().where(this, table.c.revoked_at.is_(None))
    tx.execute(open_key.values(revoked_at=clock.now(tx)))
    return _key(tx.execute(select(table).where(this)).one())


def touch(tx: Connection, key_id: str) -> None:
    """Note that the key was used now."""
    table = tables.api_keys
    tx.execute(table.update().where(table.c.id == key_id).values(last_used_at=clock.now(tx)))


def _key(row: Any) -> ApiKey:
    return ApiKey(**row._mapping)
