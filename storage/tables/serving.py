"""What serves readers: sealed segments for analytics and the keys of the API."""

from __future__ import annotations

from sqlalchemy import Index, Text, UniqueConstraint

from storage.columns import Int64, Micros
from storage.tables.base import col, table

# immutable Parquet files for analytics; readers list them from here, never by the folder
segments = table(
    "segments",
    col("id", Text, key=True),
    col("kind", Text),
    col("path", Text),
    # the ends of what it holds, in the order in which its kind is sealed
    col("low", Text),
    col("high", Text),
    col("rows", Int64),
    col("size", Int64),
    col("sealed_at", Micros),
    col("retired_at", Micros, null=True),
    Index("ix_segments_kind_low", "kind", "low"),
)

api_keys = table(
    "api_keys",
    col("id", Text, key=True),
    col("name", Text),
    col("secret_hash", Text),
    col("scope", Text),
    col("created_at", Micros),
    col("expires_at", Micros, null=True),
    col("revoked_at", Micros, null=True),
    col("last_used_at", Micros, null=True),
    UniqueConstraint("name"),
)
