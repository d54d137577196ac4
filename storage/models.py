"""Models to start from: a folder or a Hub id under a short name."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import ConflictError, WrongInputError
from storage.inserts import add_if_absent
from storage.rows import Model

LONGEST_NAME = 100


def add(tx: Connection, name: str, location: str) -> Model:
    """Record a model; the same name and location again change nothing.

    Args:
        name: one line of 1 to 100 characters.
        location: absolute folder or Hub id.

    Raises:
        WrongInputError: name or location is empty, or the name is too long.
        ConflictError: the name stands for another location.
    """
    usable = name.strip() and name.isprintable() and len(name) <= LONGEST_NAME
    if not usable or not location.strip():
        raise WrongInputError(
            f"{name[:LONGEST_NAME]!r} at {location!r} cannot be recorded as a model.",
            f"Give a name of 1 to {LONGEST_NAME} characters and a folder or Hub id.",
        )
    add_if_absent(tx, tables.models, vars(Model(name, location, clock.now(tx))))
    model = get(tx, name)
    if model is None or model.location != location:
        raise ConflictError(
            f"The name {name!r} stands for another model already.", "Choose another name."
        )
    return model


def get(db: Connection, name: str) -> Model | None:
    """The model with this name, or None."""
    table = tables.models
    row = db.execute(select(table).where(table.c.name == name)).one_or_none()
    return None if row is None else Model(**row._mapping)


def listed(db: Connection) -> list[Model]:
    """All models by name."""
    table = tables.models
    return [Model(**row._mapping) for row in db.execute(select(table).order_by(table.c.name))]
