"""Batches: pairs given out for labeling together, with overlap, rubric and guidelines."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from storage import clock, identity, standing, tables
from storage import guidelines as guideline_rows
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.inserts import add_if_absent
from storage.rows import Batch

LONGEST_NAME = 100
HIGHEST_OVERLAP = 100
DEFAULT_REVIEW_LIMIT = 5
HIGHEST_RATE = 0.5


def create(
    tx: Connection,
    name: str,
    overlap: int = 1,
    guidelines: str = "",
    rubric: str = "",
    both_bad: bool = False,
    confidence: bool = False,
    review_limit: int = DEFAULT_REVIEW_LIMIT,
    gold_rate: float = 0.0,
    repeat_rate: float = 0.0,
) -> Batch:
    """Make an empty batch.

    Args:
        name: one line of 1 to 100 characters, unique.
        overlap: votes wanted per pair, 1 to 100.
        guidelines: what annotators read, plain text; kept as version 1.
        rubric: name of a rubric preset or a rubric as JSON, empty for none.
        both_bad: whether annotators may say that both answers are bad.
        confidence: whether annotators are asked how sure they are.
        review_limit: votes in all that a pair gets while it is contested, 0 to 100; up to the
            overlap means that no pair is reviewed.
        gold_rate, repeat_rate: gold pairs and swapped repeats per normal pair, 0 to 0.5.

    Raises:
        WrongInputError: name, overlap, guidelines, review limit or a rate cannot be used.
        ConflictError: a batch with this name is there.
    """
    check_checks(review_limit, gold_rate, repeat_rate)
    batch = Batch(
        id=identity.batch_id(name),
        name=name,
        overlap=overlap,
        guidelines=guidelines,
        rubric=rubric,
        both_bad=both_bad,
        created_at=clock.now(tx),
        confidence=confidence,
        review_limit=review_limit,
        gold_rate=gold_rate,
        repeat_rate=repeat_rate,
        guidelines_version=1 if guidelines else 0,
    )
    _add(tx, batch)
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
    confidence: bool | None = None,
) -> Batch:
    """Change the settings that are given; return the batch as it is now. Other guidelines become
    their next version.

    Raises:
        WrongInputError: the overlap or the guidelines cannot be used.
        NotFoundError: there is no such batch.
    """
    if overlap is not None:
        check_overlap(overlap)
    given = {
        "overlap": overlap,
        "rubric": rubric,
        "both_bad": both_bad,
        "confidence": confidence,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        table = tables.batches
        tx.execute(table.update().where(table.c.id == batch_id).values(**changes))
    if guidelines is not None:
        guideline_rows.write(tx, batch_id, guidelines)
    if overlap is not None:
        standing.derive(tx, batch_id)
    return by_id(tx, batch_id)


def add_pair(tx: Connection, batch_id: str, pair_id: str) -> bool:
    """Put a recorded pair into a batch; True when it was not yet in it."""
    row = {
        "batch_id": batch_id,
        "pair_id": pair_id,
        "position": identity.batch_position(batch_id, pair_id),
    }
    is_new = add_if_absent(tx, tables.batch_pairs, row)
    if is_new:
        standing.derive(tx, batch_id, pair_id)
    return is_new


def has_pair(db: Connection, batch_id: str, pair_id: str) -> bool:
    """Whether the pair is in the batch."""
    table = tables.batch_pairs
    query = select(table.c.pair_id).where(table.c.batch_id == batch_id, table.c.pair_id == pair_id)
    return db.execute(query).one_or_none() is not None


def with_pair(db: Connection, pair: str, shortest: int) -> list[tuple[str, str]]:
    """Pair id and batch id wherever the pair with this id is, or those whose ids begin so.

    Args:
        pair: a whole id, or its beginning.
        shortest: characters that a beginning has at least; a shorter one finds nothing.
    """
    table = tables.batch_pairs
    matches = table.c.pair_id == pair
    if len(pair) >= shortest:
        matches |= table.c.pair_id.startswith(pair, autoescape=True)
    query = select(table.c.pair_id, table.c.batch_id).where(matches).order_by(*table.primary_key)
    return [(row.pair_id, row.batch_id) for row in db.execute(query)]


def names_with(db: Connection, pair_id: str) -> list[str]:
    """The names of the batches that hold a pair, the first one first."""
    batch, within = tables.batches, tables.batch_pairs
    query = select(batch.c.name).join(within, within.c.batch_id == batch.c.id)
    query = query.where(within.c.pair_id == pair_id).order_by(batch.c.created_at, batch.c.id)
    return list(db.execute(query).scalars())


def pair_count(db: Connection, batch_id: str) -> int:
    """Number of pairs in a batch."""
    table = tables.batch_pairs
    query = select(func.count()).select_from(table).where(table.c.batch_id == batch_id)
    return int(db.execute(query).scalar_one())


def pairs_in(db: Connection, batch_id: str) -> list[str]:
    """The ids of the pairs of a batch, by their position."""
    table = tables.batch_pairs
    query = select(table.c.pair_id).where(table.c.batch_id == batch_id).order_by(table.c.position)
    return list(db.execute(query).scalars())


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


def check_checks(review_limit: int, gold_rate: float, repeat_rate: float) -> None:
    """Refuse what cannot be a review limit or a rate.

    Raises:
        WrongInputError: the limit is not 0 to 100, or a rate is not 0 to 0.5.
    """
    if not 0 <= review_limit <= HIGHEST_OVERLAP:
        raise WrongInputError(
            f"A review limit of {review_limit} cannot be used.",
            f"It is the most votes that a contested pair gets, 0 to {HIGHEST_OVERLAP}.",
        )
    for name, rate in (("gold", gold_rate), ("repeat", repeat_rate)):
        if not 0 <= rate <= HIGHEST_RATE:
            raise WrongInputError(
                f"A {name} rate of {rate} cannot be used.",
                f"It is a share of the normal pairs, 0 to {HIGHEST_RATE}.",
            )


def _add(tx: Connection, batch: Batch) -> None:
    check_name(batch.name)
    check_overlap(batch.overlap)
    guideline_rows.check(batch.guidelines)
    if not add_if_absent(tx, tables.batches, vars(batch)):
        raise ConflictError(
            f"A batch named {batch.name!r} is already there.",
            "Choose another name, or add pairs to it.",
        )
    if batch.guidelines:
        guideline_rows.add(tx, batch.id, 1, batch.guidelines)


def _batch(row: Any) -> Batch:
    return Batch(**row._mapping)
