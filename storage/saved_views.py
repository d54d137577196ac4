"""Searches for pairs that a lead gave a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, numbered, tables
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.inserts import add_if_absent

LONGEST_NAME = 60

_table = tables.saved_views


@dataclass(frozen=True)
class SavedView:
    """A search with a name.

    Attributes:
        search: name of a filter -> its value, those that are set.
        actor: who saved it. `created_at` in microseconds.
    """

    name: str
    search: Mapping[str, str]
    actor: str
    created_at: int


def save(
    tx: Connection, name: str, search: Mapping[str, str], *, actor: str, replace: bool = False
) -> SavedView:
    """Keep a search under a name.

    Raises:
        WrongInputError: the name or the actor cannot be kept.
        ConflictError: the name is taken, and `replace` is not said.
    """
    _check(name)
    numbered.check_words(actor, name)
    if replace:
        tx.execute(_table.delete().where(_table.c.name == name))
    row = {"name": name, "search": dict(search), "actor": actor, "created_at": clock.now(tx)}
    if not add_if_absent(tx, _table, row):
        raise _taken(name)
    return get(tx, name)


def rename(tx: Connection, name: str, new_name: str) -> SavedView:
    """Give a saved search another name.

    Raises:
        NotFoundError: there is none of this name.
        ConflictError: the new name is taken.
        WrongInputError: the new name cannot be kept.
    """
    _check(new_name)
    get(tx, name)
    if new_name != name and any(one.name == new_name for one in listed(tx)):
        raise _taken(new_name)
    tx.execute(_table.update().where(_table.c.name == name).values(name=new_name))
    return get(tx, new_name)


def delete(tx: Connection, name: str) -> None:
    """Forget a saved search.

    Raises:
        NotFoundError: there is none of this name.
    """
    get(tx, name)
    tx.execute(_table.delete().where(_table.c.name == name))


def listed(db: Connection) -> list[SavedView]:
    """All saved searches, in alphabetical order."""
    rows = db.execute(select(_table)).all()
    return sorted((SavedView(**row._mapping) for row in rows), key=lambda one: one.name)


def get(db: Connection, name: str) -> SavedView:
    """The saved search of this name.

    Raises:
        NotFoundError: there is none; the message names those that are.
    """
    row = db.execute(select(_table).where(_table.c.name == name)).one_or_none()
    if row is None:
        there = ", ".join(one.name for one in listed(db)) or "none yet"
        raise NotFoundError(
            f"No saved view is named {name[:LONGEST_NAME]!r}.", f"Saved views: {there}."
        )
    return SavedView(**row._mapping)


def _check(name: str) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise WrongInputError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of a view.",
            f"A name is one line of 1 to {LONGEST_NAME} characters.",
        )


def _taken(name: str) -> ConflictError:
    return ConflictError(f"A view named {name!r} is there.", "Choose another name, or replace it.")
