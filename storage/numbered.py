"""Append-only tables whose rows are numbered 1, 2, ... in the order in which they came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.engine import Connection

from storage import clock, inserts
from storage.annotators import LONGEST_NAME
from storage.errors import WrongInputError

LONGEST_REASON = 2000


def append(tx: Connection, table: Table, row: Mapping[str, Any]) -> int:
    """Add an event with the next number and the ledger's time; return the number."""
    # without a lock two events could get the same number on PostgreSQL
    inserts.wait_for_turn(tx, inserts.NUMBERING_EVENTS)
    last = tx.execute(select(func.coalesce(func.max(table.c.number), 0))).scalar_one()
    number = int(last) + 1
    tx.execute(table.insert(), {**row, "number": number, "created_at": clock.now(tx)})
    return number


def check_words(actor: str, reason: str) -> None:
    """Refuse an event that nobody stands for, or whose reason cannot be kept.

    Raises:
        WrongInputError: the actor is no name of one line, or the reason is empty or too long.
    """
    if not actor.strip() or len(actor) > LONGEST_NAME or not actor.isprintable():
        raise WrongInputError(
            f"{actor[:LONGEST_NAME]!r} cannot stand for who says so.",
            f"A name is one line of 1 to {LONGEST_NAME} characters.",
        )
    if not 1 <= len(reason.strip()) <= len(reason) <= LONGEST_REASON or "\0" in reason:
        raise WrongInputError(
            f"The reason has {len(reason.strip())} characters.",
            f"Write 1 to {LONGEST_REASON}, so that others can follow.",
        )
