"""What the labeling bench asks and reports, reviews of contested pairs, gold pairs and repeats."""

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
    text,
)

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")
Real: Any = Double().with_variant(REAL(), "sqlite")

# a finished batch stays finished: pairs of before get no reviews
_KEEP_FINISHED = "UPDATE batches SET review_limit = overlap"
_COUNT = """
UPDATE batch_pairs SET votes_{side} = (
    SELECT count(*) FROM votes JOIN assignments ON assignments.id = votes.assignment_id
    WHERE assignments.batch_id = batch_pairs.batch_id
      AND assignments.pair_id = batch_pairs.pair_id
      AND assignments.kind = 'normal' AND votes.kind = 'vote' AND votes.verdict = '{side}'
      AND NOT EXISTS (
        SELECT 1 FROM votes AS later
        WHERE later.assignment_id = votes.assignment_id AND later.sequence > votes.sequence))
"""
_WANT = """
UPDATE batch_pairs SET wanted =
    (SELECT overlap FROM batches WHERE batches.id = batch_pairs.batch_id)
"""
_ORDER = """
UPDATE batch_pairs SET urgency = CASE
    WHEN votes >= wanted THEN -1
    WHEN votes > 0 AND 3 * votes_a < 2 * votes AND 3 * votes_b < 2 * votes THEN 1000 + votes
    ELSE votes END
"""


def upgrade() -> None:
    """Add columns with what follows from the votes that are there, and the table of reports."""
    _add("batches", _int("confidence", "0"), _int("review_limit", "5"))
    _add("batches", _real("gold_rate"), _real("repeat_rate"))
    _add("batch_pairs", *(_int(name, "0") for name in ("votes_a", "votes_b", "decided")))
    _add("batch_pairs", Column("gold", Text), _int("wanted", "1"), _int("urgency", "0"))
    _add("votes", Column("failures", Text), Column("confidence", Int64))
    _create_reports()
    for statement in (_KEEP_FINISHED, *(_COUNT.format(side=side) for side in "ab"), _WANT, _ORDER):
        op.execute(statement)
    op.drop_index("ix_batch_pairs_next", "batch_pairs")
    op.create_index(
        "ix_batch_pairs_next", "batch_pairs", ["batch_id", "urgency", "position", "pair_id"]
    )
    few = text("kind <> 'normal'")
    op.create_index(
        "ix_assignments_checks",
        "assignments",
        ["batch_id", "annotator_id", "kind"],
        sqlite_where=few,
        postgresql_where=few,
    )


def _create_reports() -> None:
    op.create_table(
        "reports",
        *(Column(name, Text, nullable=False) for name in ("event_id", "assignment_id")),
        *(Column(name, Text, nullable=False) for name in ("kind", "note")),
        Column("received_at", Int64, nullable=False),
        PrimaryKeyConstraint("event_id", name="pk_reports"),
        ForeignKeyConstraint(["event_id"], ["votes.event_id"], name="fk_reports_event_id"),
        ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name="fk_reports_assignment_id"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_reports_assignment_id", "reports", ["assignment_id"])


def _add(table: str, *columns: Column[Any]) -> None:
    for column in columns:
        op.add_column(table, column)


def _int(name: str, default: str) -> Column[Any]:
    return Column(name, Int64, nullable=False, server_default=default)


def _real(name: str) -> Column[Any]:
    return Column(name, Real, nullable=False, server_default="0")
