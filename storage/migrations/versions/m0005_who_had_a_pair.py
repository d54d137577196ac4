"""Who was ever assigned a pair of a batch, as one number, so that an offer passes over many pairs
in one step."""

from __future__ import annotations

import hashlib
from collections import defaultdict

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")

_ASSIGNED = "SELECT DISTINCT batch_id, pair_id, annotator_id FROM assignments"
_FILL = "UPDATE batch_pairs SET had = :had WHERE batch_id = :batch AND pair_id = :pair"


def upgrade() -> None:
    """Add the number, from the assignments that are there, and the indices of offers."""
    column = Column("had", Int64, nullable=False, server_default="0")
    op.add_column("batch_pairs", column)
    database = op.get_bind()
    had: dict[tuple[str, str], int] = defaultdict(int)
    for batch, pair, annotator in database.execute(text(_ASSIGNED)):
        had[batch, pair] ^= _mark(annotator)
    rows = [{"batch": batch, "pair": pair, "had": one} for (batch, pair), one in had.items()]
    if rows:
        database.execute(text(_FILL), rows)
    op.create_index(
        "ix_batch_pairs_had", "batch_pairs", ["batch_id", "urgency", "had", "position", "pair_id"]
    )
    gold = text("gold IS NOT NULL")
    op.create_index(
        "ix_batch_pairs_gold",
        "batch_pairs",
        ["batch_id", "position", "pair_id"],
        sqlite_where=gold,
        postgresql_where=gold,
    )


def _mark(annotator: str) -> int:
    """As `storage.had_groups.mark` was when this migration was written."""
    return int.from_bytes(hashlib.sha256(annotator.encode()).digest()[:8]) >> 1
