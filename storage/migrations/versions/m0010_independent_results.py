"""What benchmarks, red-team suites and other tools say of checkpoints."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    name = "independent_results"
    texts = ("checkpoint", "benchmark", "kind", "metrics", "items", "digest", "source")
    op.create_table(
        name,
        Column("number", Int64, nullable=False, autoincrement=False),
        *(Column(each, Text, nullable=False) for each in texts),
        Column("created_at", Int64, nullable=False),
        PrimaryKeyConstraint("number", name=f"pk_{name}"),
        sqlite_strict=True,
    )
    op.create_index(f"ix_{name}_checkpoint", name, ["checkpoint"])
