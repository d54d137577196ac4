"""Tags: words by which leads find pairs again. `storage.pair_actions` puts them on pairs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.engine import Connection

from storage import tables
from storage.errors import WrongInputError

LONGEST_TAG = 50
# SQLite takes a limited number of parameters in one statement
_CHUNK = 1000


def check(tag: str) -> None:
    """Refuse what cannot be a tag.

    Raises:
        WrongInputError: it is not one line of 1 to 50 characters without spaces at its ends.
    """
    if not tag.strip() or tag != tag.strip() or len(tag) > LONGEST_TAG or not tag.isprintable():
        raise WrongInputError(
            f"{tag[:LONGEST_TAG]!r} cannot be a tag.",
            f"A tag is one line of 1 to {LONGEST_TAG} characters.",
        )


def counts(db: Connection) -> dict[str, int]:
    """Tag -> number of pairs that have it, in alphabetical order."""
    table = tables.pair_tags
    query = select(table.c.tag, func.count()).group_by(table.c.tag)
    return {tag: int(count) for tag, count in sorted(db.execute(query))}


def of_pairs(db: Connection, pair_ids: Sequence[str]) -> dict[str, list[str]]:
    """Pair id -> its tags in alphabetical order; a pair without tags is not in."""
    table = tables.pair_tags
    found: dict[str, list[str]] = {}
    for start in range(0, len(pair_ids), _CHUNK):
        chunk = list(pair_ids[start : start + _CHUNK])
        for pair_id, tag in db.execute(
            select(table.c.pair_id, table.c.tag).where(table.c.pair_id.in_(chunk))
        ):
            found.setdefault(pair_id, []).append(tag)
    return {pair_id: sorted(tags) for pair_id, tags in found.items()}


def mark(db: Connection) -> int:
    """A number that changes when a pair gets a tag or loses one."""
    table = tables.pair_actions
    query = select(func.coalesce(func.max(table.c.number), 0))
    return int(db.execute(query.where(table.c.kind.in_(("tag", "untag")))).scalar_one())


def with_tag(tag: str) -> Select[tuple[str]]:
    """The pairs that have a tag."""
    table = tables.pair_tags
    return select(table.c.pair_id).where(table.c.tag == tag)
