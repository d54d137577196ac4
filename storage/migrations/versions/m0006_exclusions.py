"""Annotators and votes that do not count, with who said so and why."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    name = "exclusions"
    op.create_table(
        name,
        Column("number", Int64, nullable=False, autoincrement=False),
        *(Column(each, Text, nullable=False) for each in ("kind", "annotator_id")),
        *(Column(each, Text) for each in ("batch_id", "assignment_id")),
        *(Column(each, Text, nullable=False) for each in ("actor", "reason")),
        Column("created_at", Int64, nullable=False),
        PrimaryKeyConstraint("number", name=f"pk_{name}"),
        ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name=f"fk_{name}_annotator_id"),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name=f"fk_{name}_batch_id"),
        ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=f"fk_{name}_assignment_id"
        ),
        sqlite_strict=True,
    )
