"""Browsers that opened the bench of a lead."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    name = "lead_sessions"
    op.create_table(
        name,
        *(Column(each, Text, nullable=False) for each in ("id", "annotator_id")),
        Column("batch_id", Text),
        *(Column(each, Int64, nullable=False) for each in ("created_at", "expires_at")),
        Column("revoked_at", Int64),
        PrimaryKeyConstraint("id", name=f"pk_{name}"),
        ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name=f"fk_{name}_annotator_id"),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name=f"fk_{name}_batch_id"),
        sqlite_strict=True,
    )
