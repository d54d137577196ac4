"""The loop: rounds and what happened in them, why a pair was chosen, what is kept from training."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Text

from storage.columns import Int64, JsonText, Micros, Real
from storage.tables.base import col, table

rounds = table(
    "rounds",
    Column("number", Int64, primary_key=True, autoincrement=False),
    # the checkpoint or model that the round begins with
    col("start", Text),
    col("target_pairs", Int64),
    col("focus", Text),
    col("actor", Text),
    col("created_at", Micros),
)

# what belongs to a round, and what was decided in it
round_events = table(
    "round_events",
    Column("number", Int64, primary_key=True, autoincrement=False),
    col("round", Int64, ForeignKey("rounds.number")),
    col("kind", Text),
    col("subject", Text),
    col("detail", JsonText),
    col("actor", Text),
    col("created_at", Micros),
    Index("ix_round_events_round", "round"),
)

# what share of a category should be right; of a category the last row stands, null takes it back
category_targets = table(
    "category_targets",
    Column("number", Int64, primary_key=True, autoincrement=False),
    col("category", Text),
    col("target", Real, null=True),
    col("actor", Text),
    col("created_at", Micros),
)

# why a pair was put into a batch; nothing of it ever reaches an annotator
picks = table(
    "picks",
    col("batch_id", Text, ForeignKey("batches.id"), key=True),
    col("pair_id", Text, ForeignKey("pairs.id"), key=True),
    col("strategy", Text),
    col("score", Real, null=True),
    # probability with which this pair was drawn, above 0 to 1
    col("propensity", Real),
    col("detail", JsonText),
    col("created_at", Micros),
    Index("ix_picks_pair_id", "pair_id"),
)

# what made the console collect by itself: a cause acts once
triggers = table(
    "triggers",
    col("cause", Text, key=True),
    col("category", Text),
    col("action", Text),
    col("subject", Text),
    col("detail", JsonText),
    col("created_at", Micros),
)

# names and merges that a lead gave to clusters of failures
cluster_events = table(
    "cluster_events",
    Column("number", Int64, primary_key=True, autoincrement=False),
    col("kind", Text),
    col("cluster", Text),
    col("value", Text),
    col("actor", Text),
    col("created_at", Micros),
)

# draws of the audit set, and events that release one
audit_draws = table(
    "audit_draws",
    Column("number", Int64, primary_key=True, autoincrement=False),
    # the draw that this event releases; null: a draw
    col("releases", Int64, ForeignKey("audit_draws.number"), null=True),
    # null: drawn from everything
    col("batch_id", Text, ForeignKey("batches.id"), null=True),
    col("seed", Int64),
    col("actor", Text),
    col("reason", Text),
    col("created_at", Micros),
)

audit_pairs = table(
    "audit_pairs",
    col("draw", Int64, ForeignKey("audit_draws.number"), key=True),
    col("pair_id", Text, ForeignKey("pairs.id"), key=True),
)
