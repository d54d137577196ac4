"""What the loop did by itself, and why: each cause acts once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, inserts, tables
from storage.rows import Json


class TriggerAction(StrEnum):
    """What was done."""

    QUEUED = "queued"  # a batch was made
    PROPOSED = "proposed"  # a lead is asked to make one


@dataclass(frozen=True)
class Trigger:
    """One cause.

    Attributes:
        cause: what it was, the same for the same cause.
        subject: the batch that was made, empty for a proposal.
        detail: the figures that it rested on.
        created_at: microseconds.
    """

    cause: str
    category: str
    action: TriggerAction
    subject: str
    detail: Json
    created_at: int


def add(
    tx: Connection, *, cause: str, category: str, action: TriggerAction, subject: str, detail: Json
) -> bool:
    """Record a cause; False when it was there: nothing is to be done again."""
    row: dict[str, Any] = {"cause": cause, "category": category, "action": action.value}
    row |= {"subject": subject, "detail": detail, "created_at": clock.now(tx)}
    return inserts.add_if_absent(tx, tables.triggers, row)


def listed(db: Connection) -> list[Trigger]:
    """Every cause, the newest first."""
    table = tables.triggers
    query = select(table).order_by(table.c.created_at.desc(), table.c.cause)
    return [
        Trigger(**{**row._mapping, "action": TriggerAction(row.action)})
        for row in db.execute(query)
    ]
