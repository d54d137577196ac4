"""What is compared: media, prompts, responses, pairs, batches, and labels that came with a file."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Text, UniqueConstraint, text

from storage.columns import Flag, Int64, JsonText, Micros, Real
from storage.tables.base import col, table

media = table(
    "media",
    col("id", Text, key=True),
    col("kind", Text),
    col("mime", Text),
    col("width", Int64),
    col("height", Int64),
    col("size", Int64),
    col("created_at", Micros),
)

prompts = table(
    "prompts",
    col("id", Text, key=True),
    col("category", Text),
    col("messages", JsonText),
    # the words of all turns, for search: in `messages` a search would also hit roles and keys
    col("text", Text),
    col("created_at", Micros),
    Index("ix_prompts_category", "category"),
)

prompt_media = table(
    "prompt_media",
    col("prompt_id", Text, ForeignKey("prompts.id"), key=True),
    col("position", Int64, key=True),
    col("media_id", Text, ForeignKey("media.id")),
)

responses = table(
    "responses",
    col("id", Text, key=True),
    col("prompt_id", Text, ForeignKey("prompts.id")),
    col("text", Text),
    col("created_at", Micros),
    Index("ix_responses_prompt_id", "prompt_id"),
)

response_sources = table(
    "response_sources",
    col("response_id", Text, ForeignKey("responses.id"), key=True),
    col("kind", Text, key=True),
    col("name", Text, key=True),
    col("sampling", JsonText, null=True),
    col("created_at", Micros),
)

pairs = table(
    "pairs",
    col("id", Text, key=True),
    col("prompt_id", Text, ForeignKey("prompts.id")),
    col("response_a", Text, ForeignKey("responses.id")),
    col("response_b", Text, ForeignKey("responses.id")),
    col("created_at", Micros),
    Index("ix_pairs_prompt_id", "prompt_id"),
)

batches = table(
    "batches",
    col("id", Text, key=True),
    col("name", Text),
    col("overlap", Int64),
    col("guidelines", Text),
    col("rubric", Text),
    col("both_bad", Flag),
    col("created_at", Micros),
    Column("confidence", Flag, nullable=False, server_default="0"),
    Column("review_limit", Int64, nullable=False, server_default="5"),
    Column("gold_rate", Real, nullable=False, server_default="0"),
    Column("repeat_rate", Real, nullable=False, server_default="0"),
    # the newest row of `guidelines`, 0 without one
    Column("guidelines_version", Int64, nullable=False, server_default="0"),
    # gold pairs that a new annotator judges first, and the share of them to be right on
    Column("qualification_pairs", Int64, nullable=False, server_default="0"),
    Column("qualification_pass", Real, nullable=False, server_default="0"),
    UniqueConstraint("name"),
)

# every text of a batch's guidelines, so that a vote can say which one was shown
guidelines = table(
    "guidelines",
    col("batch_id", Text, ForeignKey("batches.id"), key=True),
    col("version", Int64, key=True),
    col("text", Text),
    col("created_at", Micros),
)

batch_pairs = table(
    "batch_pairs",
    col("batch_id", Text, ForeignKey("batches.id"), key=True),
    col("pair_id", Text, ForeignKey("pairs.id"), key=True),
    # drawn from a hash, so the order says nothing about where a pair came from
    col("position", Text),
    # effective votes, without skips, of normal assignments, and those of them for each answer:
    # kept by votes.append beside the log, so that the next offer counts nothing
    Column("votes", Int64, nullable=False, server_default="0"),
    Column("votes_a", Int64, nullable=False, server_default="0"),
    Column("votes_b", Int64, nullable=False, server_default="0"),
    # effective decisions of leads
    Column("decided", Int64, nullable=False, server_default="0"),
    # the answer that is right beyond doubt; such a pair is only offered to check annotators
    col("gold", Text, null=True),
    # why that answer is right, told in the qualification round
    col("explanation", Text, null=True),
    # derived by storage.standing: votes wanted in all, and which pair comes first (-1: not offered)
    Column("wanted", Int64, nullable=False, server_default="1"),
    Column("urgency", Int64, nullable=False, server_default="0"),
    # who was ever assigned the pair, see storage.had_groups
    Column("had", Int64, nullable=False, server_default="0"),
    # what leads asked for, see storage.pair_actions: votes beyond the batch's overlap, and 1 where
    # a lead is to decide
    Column("extra", Int64, nullable=False, server_default="0"),
    Column("referred", Int64, nullable=False, server_default="0"),
    # derived by storage.standing: 1 while the pair waits for a lead
    Column("waits", Int64, nullable=False, server_default="0"),
    Index("ix_batch_pairs_batch_id_position", "batch_id", "position"),
    Index("ix_batch_pairs_next", "batch_id", "urgency", "position", "pair_id"),
    Index("ix_batch_pairs_had", "batch_id", "urgency", "had", "position", "pair_id"),
    Index(
        "ix_batch_pairs_gold",
        "batch_id",
        "position",
        "pair_id",
        sqlite_where=text("gold IS NOT NULL"),
        postgresql_where=text("gold IS NOT NULL"),
    ),
    Index("ix_batch_pairs_pair_id", "pair_id"),
    Index(
        "ix_batch_pairs_waits",
        "batch_id",
        "position",
        sqlite_where=text("waits = 1"),
        postgresql_where=text("waits = 1"),
    ),
)

imported_labels = table(
    "imported_labels",
    col("id", Text, key=True),
    col("pair_id", Text, ForeignKey("pairs.id")),
    col("winner", Text),
    col("labeled_by", Text),
    col("batch_id", Text, ForeignKey("batches.id")),
    col("source", Text),
    col("line", Int64),
    col("record_id", Text),
    col("created_at", Micros),
    UniqueConstraint("pair_id", "batch_id", "winner", "labeled_by"),
)
