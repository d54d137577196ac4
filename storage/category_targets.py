"""Targets of categories: the preference accuracy that each should reach; the last one stands."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import numbered, tables
from storage.errors import WrongInputError


@dataclass(frozen=True)
class CategoryTarget:
    """`target` from 0 to 1; `actor` set it at `created_at` (microseconds)."""

    category: str
    target: float
    actor: str
    created_at: int


def put(tx: Connection, category: str, target: float | None, *, actor: str) -> None:
    """Set the target of a category, or take it back with None.

    Raises:
        WrongInputError: no share above 0 to 1, or the actor cannot be kept.
    """
    numbered.check_words(actor, "target")
    if target is not None and not 0 < target <= 1:
        raise WrongInputError(
            f"A target of {target} is no accuracy.", "Use a share above 0 to 1, such as 0.8."
        )
    row = {"category": category, "target": target, "actor": actor}
    numbered.append(tx, tables.category_targets, row)


def listed(db: Connection) -> list[CategoryTarget]:
    """The targets that stand, by category."""
    table = tables.category_targets
    found: dict[str, CategoryTarget] = {}
    for row in db.execute(select(table).order_by(table.c.number)):
        found.pop(row.category, None)
        if row.target is not None:
            one = CategoryTarget(row.category, row.target, row.actor, row.created_at)
            found[row.category] = one
    return [found[name] for name in sorted(found)]
