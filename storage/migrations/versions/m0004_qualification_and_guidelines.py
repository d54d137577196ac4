"""Qualification rounds, every version of guidelines, and what a link allows."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    Double,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Text,
)

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")
Real: Any = Double().with_variant(REAL(), "sqlite")

# guidelines of before are the first version; which one was shown with older votes is not known
_NUMBER = "UPDATE batches SET guidelines_version = 1 WHERE guidelines <> ''"
_KEEP = """
INSERT INTO guidelines (batch_id, version, text, created_at)
SELECT id, 1, guidelines, created_at FROM batches WHERE guidelines <> ''
"""


def upgrade() -> None:
    """Add columns and two tables, and keep the guidelines that are there as version 1."""
    numbers = ("guidelines_version", "qualification_pairs")
    _add("batches", *(Column(name, Int64, nullable=False, server_default="0") for name in numbers))
    _add("batches", Column("qualification_pass", Real, nullable=False, server_default="0"))
    _add("batch_pairs", Column("explanation", Text))
    _add("links", *(Column(name, Int64) for name in ("starts_at", "quota", "pace")))
    _add("votes", Column("guidelines_version", Int64))
    _create_guidelines()
    _create_decisions()
    op.execute(_NUMBER)
    op.execute(_KEEP)


def _create_guidelines() -> None:
    op.create_table(
        "guidelines",
        Column("batch_id", Text, nullable=False),
        Column("version", Int64, nullable=False),
        Column("text", Text, nullable=False),
        Column("created_at", Int64, nullable=False),
        PrimaryKeyConstraint("batch_id", "version", name="pk_guidelines"),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_guidelines_batch_id"),
        sqlite_strict=True,
    )


def _create_decisions() -> None:
    name = "qualification_decisions"
    op.create_table(
        name,
        *(Column(each, Text, nullable=False) for each in ("id", "batch_id", "annotator_id")),
        Column("kind", Text, nullable=False),
        *(Column(each, Int64, nullable=False) for each in ("after_sequence", "created_at")),
        PrimaryKeyConstraint("id", name=f"pk_{name}"),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name=f"fk_{name}_batch_id"),
        ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name=f"fk_{name}_annotator_id"),
        sqlite_strict=True,
    )
    of_person = ["batch_id", "annotator_id"]
    op.create_index(f"ix_{name}_batch_id_annotator_id", name, of_person)


def _add(table: str, *columns: Column[Any]) -> None:
    for column in columns:
        op.add_column(table, column)
