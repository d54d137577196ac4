"""What people wrote about dataset versions."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Text

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    name, version = "dataset_notes", "dataset_version"
    versions = f"fk_{name}_{version}_dataset_versions"
    op.create_table(
        name,
        Column("number", Int64, nullable=False, autoincrement=False),
        *(Column(each, Text, nullable=False) for each in (version, "text", "actor")),
        Column("created_at", Int64, nullable=False),
        PrimaryKeyConstraint("number", name=f"pk_{name}"),
        ForeignKeyConstraint([version], ["dataset_versions.id"], name=versions),
        sqlite_strict=True,
    )
    op.create_index(f"ix_{name}_{version}", name, [version])
