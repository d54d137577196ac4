"""Rounds and what happened in them: the batches that a round collects, decisions, its end.

What training and evaluation made of a round is not written here: it follows from the batches that a
dataset version was built from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import batches, numbered, tables
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.rows import Batch, Json


class RoundEventKind(StrEnum):
    """What can happen in a round; `subject` of the event is what it is about."""

    BATCH = "batch"  # a batch belongs to the round; its id
    MINED = "mined"  # a batch was chosen for the round that comes next; its id
    PROPOSED = "proposed"  # more of a category should be collected; the trigger's cause
    QUEUED = "queued"  # a job was queued for the round; its id
    ALERT = "alert"  # convergence said something; what
    CLOSED = "closed"  # the round ended; the checkpoint it ended with, or empty
    REOPENED = "reopened"  # that was taken back


@dataclass(frozen=True)
class Round:
    """One turn of the loop.

    Attributes:
        number: 1, 2, ...
        start: id of the checkpoint, or name of the model, that it begins with.
        target_pairs: decided pairs that it is planned to end with.
        focus: what to collect, in words.
        actor: who opened it.
        created_at: microseconds.
    """

    number: int
    start: str
    target_pairs: int
    focus: str
    actor: str
    created_at: int


@dataclass(frozen=True)
class RoundEvent:
    """Something that happened in a round. `created_at` in microseconds."""

    number: int
    round: int
    kind: RoundEventKind
    subject: str
    detail: Json
    actor: str
    created_at: int


def open_next(tx: Connection, *, start: str, target_pairs: int, focus: str, actor: str) -> Round:
    """Open the next round.

    Raises:
        ConflictError: the last one is still open.
        WrongInputError: the words cannot be kept, or no pairs are planned.
    """
    numbered.check_words(actor, focus)
    if target_pairs < 1:
        raise WrongInputError(
            f"A round of {target_pairs} pairs cannot be planned.", "Use 1 or more."
        )
    running = current(tx)
    if running is not None:
        raise ConflictError(
            f"Round {running.number} is open.", "End it first: pairwright round close"
        )
    row = {"start": start, "target_pairs": target_pairs, "focus": focus, "actor": actor}
    return get(tx, numbered.append(tx, tables.rounds, row))


def record(
    tx: Connection,
    round_number: int,
    kind: RoundEventKind,
    *,
    subject: str,
    actor: str,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Write down what happened; return the event's number.

    Raises:
        NotFoundError: there is no such round.
    """
    get(tx, round_number)
    row = {"round": round_number, "kind": kind.value, "subject": subject, "actor": actor}
    return numbered.append(tx, tables.round_events, {**row, "detail": dict(detail or {})})


def add_batch(
    tx: Connection,
    round_number: int,
    batch_id: str,
    *,
    actor: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Let a batch belong to a round; again changes nothing.

    Raises:
        NotFoundError: there is no such round or batch.
        ConflictError: the batch belongs to another round.
    """
    there = round_of_batch(tx, batch_id)
    if there == round_number:
        return
    name = batches.by_id(tx, batch_id).name
    if there is not None:
        raise ConflictError(
            f"Batch {name!r} belongs to round {there} already.", "A batch has one round."
        )
    kind = RoundEventKind.BATCH
    record(tx, round_number, kind, subject=batch_id, actor=actor, detail=detail)


def listed(db: Connection) -> list[Round]:
    """Every round, the first one first."""
    query = select(tables.rounds).order_by(tables.rounds.c.number)
    return [Round(**row._mapping) for row in db.execute(query)]


def get(db: Connection, number: int) -> Round:
    """The round with this number.

    Raises:
        NotFoundError: there is none; the message says which there are.
    """
    table = tables.rounds
    row = db.execute(select(table).where(table.c.number == number)).one_or_none()
    if row is None:
        last = len(listed(db))
        there = f"There are rounds 1 to {last}." if last else "Open one: pairwright round open"
        raise NotFoundError(f"There is no round {number}.", there)
    return Round(**row._mapping)


def current(db: Connection) -> Round | None:
    """The round that is open, or None."""
    rounds = listed(db)
    return rounds[-1] if rounds and not is_closed(db, rounds[-1].number) else None


def is_closed(db: Connection, number: int) -> bool:
    """Whether the round ended, and nobody took that back."""
    ends = (RoundEventKind.CLOSED, RoundEventKind.REOPENED)
    found = [event.kind for event in events(db, number) if event.kind in ends]
    return bool(found) and found[-1] is RoundEventKind.CLOSED


def events(db: Connection, round_number: int | None = None) -> list[RoundEvent]:
    """What happened, the first thing first; in one round or in all."""
    table = tables.round_events
    query = select(table).order_by(table.c.number)
    if round_number is not None:
        query = query.where(table.c.round == round_number)
    return [_event(row) for row in db.execute(query)]


def batches_of(db: Connection, round_number: int) -> list[Batch]:
    """The batches that a round collects, in the order in which they came."""
    kind = RoundEventKind.BATCH
    ids = [event.subject for event in events(db, round_number) if event.kind is kind]
    return [batches.by_id(db, batch_id) for batch_id in ids]


def round_of_batch(db: Connection, batch_id: str) -> int | None:
    """The round that collects a batch, or None."""
    table = tables.round_events
    kind = RoundEventKind.BATCH.value
    query = select(table.c.round).where(table.c.subject == batch_id, table.c.kind == kind)
    found: int | None = db.execute(query).scalar()
    return found


def _event(row: Any) -> RoundEvent:
    values = dict(row._mapping)
    return RoundEvent(**{**values, "kind": RoundEventKind(values["kind"])})
