"""Batches: pairs given out for labeling together, with overlap, rubric and guidelines."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from storage import clock, identity, tables
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.inserts import add_if_absent
from storage.rows import Batch

LONGEST_NAME = 100
HIGHEST_OVERLAP = 100


def create(
    tx: Connection,
    name: str,
    overlap: int = 1,
    guidelines: str = "",
    rubric: str = "",
    both_bad: bool = False,
) -> Batch:
    """Make an empty batch.

    Args:
        name: one line of 1 to 100 characters, unique.
        overlap: votes wanted per pair, 1 to 100.
        guidelines: what annotators read, plain text.
        rubric: name of a rubric preset, empty for none.
        both_bad: whether annotators may say that both answers are bad.

    Raises:
        WrongInputError: name or overlap cannot be used.
        ConflictError: a batch with this name is there.
    """
    check_name(name)
    check_overlap(overlap)
    batch = Batch(
        id=identity.batch_id(name),
        name=name,
        overlap=overlap,
        guidelines=guidelines,
        rubric=rubric,
        both_bad=both_bad,
        created_at=clock.now(tx),
    )
    if not add_if_absent(tx, tables.batches, vars(batch)):
        raise ConflictError(
            f"A batch named {name!r} is already there.", "Choose another name, or add pairs to it."
        )
    return batch


def find(db: Connection, name: str) -> Batch | None:
    """The batch with this name, or None."""
    row = db.execute(select(tables.batches).where(tables.batches.c.name == name)).one_or_none()
    return None if row is None else _batch(row)


def get(db: Connection, name: str) -> Batch:
    """The batch with this name.

    Raises:
        NotFoundError: there is none; the message names those that are.
    """
    batch = find(db, name)
    if batch is None:
        there = ", ".join(b.name for b in listed(db)) or "none yet"
        raise NotFoundError(
            f"No batch is named {name[:LONGEST_NAME]!r}.",
            f"Batches: {there}. `pairwright import` makes one.",
        )
    return batch


def by_id(db: Connection, batch_id: str) -> Batch:
    """The batch with this id.

    Raises:
        NotFoundError: there is none.
    """
    row = db.execute(select(tables.batches).where(tables.batches.c.id == batch_id)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"No batch has the id {batch_id[:80]!r}.", "`pairwright batch list` shows the batches."
        )
    return _batch(row)


def listed(db: Connection) -> list[Batch]:
    """All batches, oldest first."""
    table = tables.batches
    return [
        _batch(row) for row in db.execute(select(table).order_by(table.c.created_at, table.c.name))
    ]


def update(
    tx: Connection,
    batch_id: str,
    *,
    overlap: int | None = None,
    guidelines: str | None = None,
    rubric: str | None = None,
    both_bad: bool | None = None,
) -> Batch:
    """Change the settings that are given; return the batch as it is now.

    Raises:
        WrongInputError: the overlap cannot be used.
        NotFoundError: there is no such batch.
    """
    if overlap is not None:
        check_overlap(overlap)
    given = {"overlap": overlap, "guidelines": guidelines, "rubric": rubric, "both_bad": both_bad}
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        table = tables.batches
        tx.execute(table.update().where(table.c.id == batch_id).values(**changes))
    return by_id(tx, batch_id)


def add_pair(tx: Connection, batch_id: str, pair_id: str) -> bool:
    """Put a recorded pair into a batch; True when it was not yet in it."""
    row = {
        "batch_id": batch_id,
        "pair_id": pair_id,
        "position": identity.batch_position(batch_id, pair_id),
    }
    return add_if_absent(tx, tables.batch_pairs, row)


def has_pair(db: Connection, batch_id: str, pair_id: str) -> bool:
    """Whether the pair is in the batch."""
    table = tables.batch_pairs
    query = select(table.c.pair_id).where(table.c.batch_id == batch_id, table.c.pair_id == pair_id)
    return db.execute(query).one_or_none() is not None


def pair_count(db: Connection, batch_id: str) -> int:
    """Number of pairs in a batch."""
    table = tables.batch_pairs
    query = select(func.count()).select_from(table).where(table.c.batch_id == batch_id)
    return int(db.execute(query).scalar_one())


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a batch.

    Raises:
        WrongInputError: it is not one line of 1 to 100 characters.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise WrongInputError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of a batch.",
            f"A name is one line of 1 to {LONGEST_NAME} characters.",
        )


def check_overlap(overlap: int) -> None:
    """Refuse what cannot be an overlap.

    Raises:
        WrongInputError: it is not 1 to 100.
    """
    if not 1 <= overlap <= HIGHEST_OVERLAP:
        raise WrongInputError(
            f"An overlap of {overlap} cannot be used.",
            f"The overlap is the number of votes wanted per pair, 1 to {HIGHEST_OVERLAP}.",
        )


def _batch(row: Any) -> Batch:
    return Batch(**row._mapping)
