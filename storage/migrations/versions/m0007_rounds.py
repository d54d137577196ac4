"""Rounds, targets, picks, triggers, names of clusters, and the audit set."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Text,
)
from sqlalchemy.types import REAL

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")
Real: Any = Double().with_variant(REAL(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    _events("rounds", *_texts("start"), _number("target_pairs"), *_texts("focus", "actor"))
    _events(
        "round_events",
        _number("round"),
        *_texts("kind", "subject", "detail", "actor"),
        ForeignKeyConstraint(["round"], ["rounds.number"], name="fk_round_events_round"),
    )
    op.create_index("ix_round_events_round", "round_events", ["round"])
    _events("category_targets", *_texts("category"), Column("target", Real), *_texts("actor"))
    _events("cluster_events", *_texts("kind", "cluster", "value", "actor"))
    _add_picks()
    _add_triggers()
    _add_audit_set()


def _add_picks() -> None:
    _create(
        "picks",
        *_texts("batch_id", "pair_id", "strategy"),
        Column("score", Real),
        Column("propensity", Real, nullable=False),
        *_texts("detail"),
        _number("created_at"),
        PrimaryKeyConstraint("batch_id", "pair_id", name="pk_picks"),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_picks_batch_id"),
        ForeignKeyConstraint(["pair_id"], ["pairs.id"], name="fk_picks_pair_id"),
    )
    op.create_index("ix_picks_pair_id", "picks", ["pair_id"])


def _add_triggers() -> None:
    _create(
        "triggers",
        *_texts("cause", "category", "action", "subject", "detail"),
        _number("created_at"),
        PrimaryKeyConstraint("cause", name="pk_triggers"),
    )


def _add_audit_set() -> None:
    _events(
        "audit_draws",
        Column("releases", Int64),
        Column("batch_id", Text),
        _number("seed"),
        *_texts("actor", "reason"),
        ForeignKeyConstraint(["releases"], ["audit_draws.number"], name="fk_audit_draws_releases"),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_audit_draws_batch_id"),
    )
    _create(
        "audit_pairs",
        _number("draw"),
        *_texts("pair_id"),
        PrimaryKeyConstraint("draw", "pair_id", name="pk_audit_pairs"),
        ForeignKeyConstraint(["draw"], ["audit_draws.number"], name="fk_audit_pairs_draw"),
        ForeignKeyConstraint(["pair_id"], ["pairs.id"], name="fk_audit_pairs_pair_id"),
    )


def _events(name: str, *columns: Any) -> None:
    """A table whose rows are numbered in the order in which they came."""
    key = PrimaryKeyConstraint("number", name=f"pk_{name}")
    number = Column("number", Int64, nullable=False, autoincrement=False)
    _create(name, number, *columns, _number("created_at"), key)


def _create(name: str, *columns: Any) -> None:
    op.create_table(name, *columns, sqlite_strict=True)


def _number(name: str) -> Column[Any]:
    return Column(name, Int64, nullable=False)


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]
