"""Segments for analytics, which checkpoint is active, what was published, and keys of the API."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Constraint,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Add tables; nothing that exists is changed."""
    _create_segments()
    _create_activations()
    _create_publications()
    _create_api_keys()


def _create_segments() -> None:
    _table(
        "segments",
        *_texts("id", "kind", "path", "low", "high"),
        *_ints("rows", "size", "sealed_at"),
        _int("retired_at", null=True),
        PrimaryKeyConstraint("id", name="pk_segments"),
    )
    op.create_index("ix_segments_kind_low", "segments", ["kind", "low"])


def _create_activations() -> None:
    _table(
        "activations",
        *_texts("id", "kind"),
        _text("checkpoint_id", null=True),
        *_texts("actor", "reason"),
        *_ints("created_at"),
        PrimaryKeyConstraint("id", name="pk_activations"),
        ForeignKeyConstraint(
            ["checkpoint_id"], ["checkpoints.id"], name="fk_activations_checkpoint_id"
        ),
    )
    op.create_index("ix_activations_created_at", "activations", ["created_at"])


def _create_publications() -> None:
    _table(
        "publications",
        *_texts("id", "job_id", "kind", "subject", "repo", "revision", "tag", "url"),
        *_ints("private", "created_at"),
        PrimaryKeyConstraint("id", name="pk_publications"),
        ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_publications_job_id"),
    )
    op.create_index("ix_publications_subject", "publications", ["subject"])


def _create_api_keys() -> None:
    _table(
        "api_keys",
        *_texts("id", "name", "secret_hash", "scope"),
        *_ints("created_at"),
        _int("expires_at", null=True),
        _int("revoked_at", null=True),
        _int("last_used_at", null=True),
        PrimaryKeyConstraint("id", name="pk_api_keys"),
        UniqueConstraint("name", name="uq_api_keys_name"),
    )


def _table(name: str, *parts: Column[Any] | Constraint) -> None:
    op.create_table(name, *parts, sqlite_strict=True)


def _texts(*names: str) -> list[Column[Any]]:
    return [_text(name) for name in names]


def _ints(*names: str) -> list[Column[Any]]:
    return [_int(name) for name in names]


def _text(name: str, null: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=null)


def _int(name: str, null: bool = False) -> Column[Any]:
    return Column(name, Int64, nullable=null)
