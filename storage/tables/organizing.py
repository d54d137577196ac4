"""How leads keep order among pairs: tags, saved searches, and what they did to many at once."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Text

from storage.columns import Int64, JsonText, Micros
from storage.tables.base import col, table

# what was done to many pairs at once, and what took it back
pair_actions = table(
    "pair_actions",
    Column("number", Int64, primary_key=True, autoincrement=False),
    col("kind", Text),
    # the tag, or how many votes more; else empty
    col("value", Text),
    # how many it changed
    col("pairs", Int64),
    col("actor", Text),
    col("reason", Text),
    # the action that this one takes back; null: an action of its own
    col("undoes", Int64, ForeignKey("pair_actions.number"), null=True),
    col("created_at", Micros),
)

# the pairs that an action changed
pair_action_items = table(
    "pair_action_items",
    col("number", Int64, ForeignKey("pair_actions.number"), key=True),
    Column("place", Int64, primary_key=True, autoincrement=False),
    col("pair_id", Text, ForeignKey("pairs.id")),
    # where the action is about a pair in one batch, and the votes on it there at that time
    col("batch_id", Text, ForeignKey("batches.id"), null=True),
    col("votes", Int64, null=True),
    Index("ix_pair_action_items_pair_id", "pair_id"),
)

# what stands now, kept beside the actions
pair_tags = table(
    "pair_tags",
    col("tag", Text, key=True),
    col("pair_id", Text, ForeignKey("pairs.id"), key=True),
    Index("ix_pair_tags_pair_id", "pair_id"),
)

excluded_pairs = table(
    "excluded_pairs",
    col("pair_id", Text, ForeignKey("pairs.id"), key=True),
    # the action that says why
    col("number", Int64, ForeignKey("pair_actions.number")),
)

# searches that a lead gave a name
saved_views = table(
    "saved_views",
    col("name", Text, key=True),
    col("search", JsonText),
    col("actor", Text),
    col("created_at", Micros),
)
