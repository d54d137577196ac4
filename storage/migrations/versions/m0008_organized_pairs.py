"""Actions on many pairs, tags, excluded pairs, saved searches, and what waits for a lead."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Text,
    text,
)

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")

# as `storage.standing` derived it when this migration was written
_FILL = """
    UPDATE batch_pairs SET waits = 1 WHERE votes > 0 AND votes >= wanted AND decided = 0
    AND gold IS NULL AND 3 * votes_a < 2 * votes AND 3 * votes_b < 2 * votes
"""


def upgrade() -> None:
    """Add the tables, and the columns of `batch_pairs`."""
    _add_actions()
    _create(
        "pair_tags",
        *_texts("tag", "pair_id"),
        _key("pair_tags", "tag", "pair_id"),
        _pair("pair_tags"),
    )
    op.create_index("ix_pair_tags_pair_id", "pair_tags", ["pair_id"])
    _create(
        "excluded_pairs",
        *(*_texts("pair_id"), _number("number")),
        _key("excluded_pairs", "pair_id"),
        _pair("excluded_pairs"),
        _action("excluded_pairs"),
    )
    _create(
        "saved_views",
        *(*_texts("name", "search", "actor"), _number("created_at")),
        _key("saved_views", "name"),
    )
    for name in ("extra", "referred", "waits"):
        op.add_column("batch_pairs", Column(name, Int64, nullable=False, server_default="0"))
    op.get_bind().execute(text(_FILL))
    waits = text("waits = 1")
    op.create_index(
        "ix_batch_pairs_waits",
        "batch_pairs",
        ["batch_id", "position"],
        sqlite_where=waits,
        postgresql_where=waits,
    )


def _add_actions() -> None:
    name = "pair_actions"
    _create(
        name,
        Column("number", Int64, nullable=False, autoincrement=False),
        *(*_texts("kind", "value"), _number("pairs"), *_texts("actor", "reason")),
        *(Column("undoes", Int64), _number("created_at")),
        _key(name, "number"),
        ForeignKeyConstraint(["undoes"], [f"{name}.number"], name=f"fk_{name}_undoes"),
    )
    items = "pair_action_items"
    _create(
        items,
        Column("number", Int64, nullable=False, autoincrement=False),
        Column("place", Int64, nullable=False, autoincrement=False),
        *(*_texts("pair_id"), Column("batch_id", Text), Column("votes", Int64)),
        _key(items, "number", "place"),
        _action(items),
        _pair(items),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name=f"fk_{items}_batch_id"),
    )
    op.create_index(f"ix_{items}_pair_id", items, ["pair_id"])


def _create(name: str, *columns: Any) -> None:
    op.create_table(name, *columns, sqlite_strict=True)


def _key(table: str, *columns: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _pair(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["pair_id"], ["pairs.id"], name=f"fk_{table}_pair_id")


def _action(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["number"], ["pair_actions.number"], name=f"fk_{table}_number")


def _number(name: str) -> Column[Any]:
    return Column(name, Int64, nullable=False)


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]
