"""Annotators: the people (or simulated experts) who label."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.inserts import add_if_absent
from storage.rows import Annotator

LONGEST_NAME = 100


def get_or_create(tx: Connection, name: str, simulated: bool = False) -> Annotator:
    """The annotator with this name, made when new.

    Raises:
        WrongInputError: the name is empty, longer than 100 characters or not one line.
        ConflictError: a person is asked for under the name of a simulated expert, or the reverse.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise WrongInputError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of an annotator.",
            f"A name is one line of 1 to {LONGEST_NAME} characters.",
        )
    row = Annotator(uuid.uuid4().hex, name, simulated, clock.now(tx))
    add_if_absent(tx, tables.annotators, vars(row))
    table = tables.annotators
    annotator = _annotator(tx.execute(select(table).where(table.c.name == name)).one())
    if annotator.simulated != simulated:
        kind = "a simulated expert" if annotator.simulated else "a person"
        raise ConflictError(f"The annotator {name!r} is {kind}.", "Choose another name.")
    return annotator


def by_id(db: Connection, annotator_id: str) -> Annotator:
    """The annotator with this id.

    Raises:
        NotFoundError: there is none.
    """
    table = tables.annotators
    row = db.execute(select(table).where(table.c.id == annotator_id)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"No annotator has the id {annotator_id[:80]!r}.",
            "Annotators come with `pairwright link create`.",
        )
    return _annotator(row)


def listed(db: Connection) -> list[Annotator]:
    """All annotators by name."""
    table = tables.annotators
    return [_annotator(row) for row in db.execute(select(table).order_by(table.c.name))]


def _annotator(row: Any) -> Annotator:
    return Annotator(**row._mapping)
