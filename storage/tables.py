"""The schema of the ledger today. Migrations lead here, and a test proves it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, MetaData, Table, Text, UniqueConstraint, text

from storage.columns import Flag, Int64, JsonText, Micros

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Rows of these are facts: triggers refuse UPDATE and DELETE.
APPEND_ONLY = ("votes", "imported_labels", "job_events", "dataset_versions", "evaluations")


def _table(name: str, *columns: Column[object] | UniqueConstraint | Index) -> Table:
    return Table(name, metadata, *columns, sqlite_strict=True)


def _col(name: str, kind: object, *extra: object, null: bool = False, key: bool = False) -> Column:  # type: ignore[type-arg]
    return Column(name, kind, *extra, nullable=null, primary_key=key)  # type: ignore[arg-type]


media = _table(
    "media",
    _col("id", Text, key=True),
    _col("kind", Text),
    _col("mime", Text),
    _col("width", Int64),
    _col("height", Int64),
    _col("size", Int64),
    _col("created_at", Micros),
)

prompts = _table(
    "prompts",
    _col("id", Text, key=True),
    _col("category", Text),
    _col("messages", JsonText),
    # the words of all turns, for search: in `messages` a search would also hit roles and keys
    _col("text", Text),
    _col("created_at", Micros),
    Index("ix_prompts_category", "category"),
)

prompt_media = _table(
    "prompt_media",
    _col("prompt_id", Text, ForeignKey("prompts.id"), key=True),
    _col("position", Int64, key=True),
    _col("media_id", Text, ForeignKey("media.id")),
)

responses = _table(
    "responses",
    _col("id", Text, key=True),
    _col("prompt_id", Text, ForeignKey("prompts.id")),
    _col("text", Text),
    _col("created_at", Micros),
    Index("ix_responses_prompt_id", "prompt_id"),
)

response_sources = _table(
    "response_sources",
    _col("response_id", Text, ForeignKey("responses.id"), key=True),
    _col("kind", Text, key=True),
    _col("name", Text, key=True),
    _col("sampling", JsonText, null=True),
    _col("created_at", Micros),
)

pairs = _table(
    "pairs",
    _col("id", Text, key=True),
    _col("prompt_id", Text, ForeignKey("prompts.id")),
    _col("response_a", Text, ForeignKey("responses.id")),
    _col("response_b", Text, ForeignKey("responses.id")),
    _col("created_at", Micros),
    Index("ix_pairs_prompt_id", "prompt_id"),
)

batches = _table(
    "batches",
    _col("id", Text, key=True),
    _col("name", Text),
    _col("overlap", Int64),
    _col("guidelines", Text),
    _col("rubric", Text),
    _col("both_bad", Flag),
    _col("created_at", Micros),
    UniqueConstraint("name"),
)

batch_pairs = _table(
    "batch_pairs",
    _col("batch_id", Text, ForeignKey("batches.id"), key=True),
    _col("pair_id", Text, ForeignKey("pairs.id"), key=True),
    # drawn from a hash, so the order says nothing about where a pair came from
    _col("position", Text),
    # effective votes, without skips, of normal assignments: kept by votes.append beside the log,
    # so that the next offer counts nothing
    Column("votes", Int64, nullable=False, server_default="0"),
    Index("ix_batch_pairs_batch_id_position", "batch_id", "position"),
    Index("ix_batch_pairs_next", "batch_id", "votes", "position", "pair_id"),
    Index("ix_batch_pairs_pair_id", "pair_id"),
)

imported_labels = _table(
    "imported_labels",
    _col("id", Text, key=True),
    _col("pair_id", Text, ForeignKey("pairs.id")),
    _col("winner", Text),
    _col("labeled_by", Text),
    _col("batch_id", Text, ForeignKey("batches.id")),
    _col("source", Text),
    _col("line", Int64),
    _col("record_id", Text),
    _col("created_at", Micros),
    UniqueConstraint("pair_id", "batch_id", "winner", "labeled_by"),
)

annotators = _table(
    "annotators",
    _col("id", Text, key=True),
    _col("name", Text),
    _col("simulated", Flag),
    _col("created_at", Micros),
    UniqueConstraint("name"),
)

links = _table(
    "links",
    _col("id", Text, key=True),
    _col("batch_id", Text, ForeignKey("batches.id")),
    _col("annotator_id", Text, ForeignKey("annotators.id")),
    _col("secret_hash", Text),
    _col("created_at", Micros),
    _col("expires_at", Micros),
    _col("revoked_at", Micros, null=True),
    _col("last_seen_at", Micros, null=True),
    Index("ix_links_batch_id", "batch_id"),
)

sessions = _table(
    "sessions",
    _col("id", Text, key=True),
    _col("link_id", Text, ForeignKey("links.id")),
    _col("created_at", Micros),
    _col("last_seen_at", Micros),
    Index("ix_sessions_link_id", "link_id"),
)

assignments = _table(
    "assignments",
    _col("id", Text, key=True),
    _col("batch_id", Text, ForeignKey("batches.id")),
    _col("pair_id", Text, ForeignKey("pairs.id")),
    _col("annotator_id", Text, ForeignKey("annotators.id")),
    _col("kind", Text),
    _col("left", Text),
    _col("sequence", Int64),
    _col("offered_at", Micros),
    _col("leased_until", Micros),
    # when the effective vote came, null without one: kept by votes.append beside the log
    _col("answered_at", Micros, null=True),
    UniqueConstraint("batch_id", "pair_id", "annotator_id", "kind"),
    UniqueConstraint("batch_id", "annotator_id", "sequence"),
    Index("ix_assignments_batch_id_pair_id", "batch_id", "pair_id"),
    Index(
        "ix_assignments_batch_id_annotator_id_answered_at",
        "batch_id",
        "annotator_id",
        "answered_at",
    ),
    Index(
        "ix_assignments_open",
        "batch_id",
        "pair_id",
        sqlite_where=text("answered_at IS NULL"),
        postgresql_where=text("answered_at IS NULL"),
    ),
)

votes = _table(
    "votes",
    _col("event_id", Text, key=True),
    _col("assignment_id", Text, ForeignKey("assignments.id")),
    _col("sequence", Int64),
    _col("kind", Text),
    _col("verdict", Text, null=True),
    _col("note", Text),
    _col("rubric", JsonText, null=True),
    _col("shown_at", Micros),
    _col("decided_at", Micros),
    _col("active_ms", Int64),
    _col("received_at", Micros),
    UniqueConstraint("assignment_id", "sequence"),
    Index("ix_votes_received_at", "received_at"),
)

models = _table(
    "models",
    _col("name", Text, key=True),
    _col("location", Text),
    _col("created_at", Micros),
)

jobs = _table(
    "jobs",
    _col("id", Text, key=True),
    _col("kind", Text),
    _col("state", Text),
    _col("spec", JsonText),
    _col("key", Text),
    _col("fence", Int64),
    _col("attempt", Int64),
    _col("max_attempts", Int64),
    _col("lease_owner", Text, null=True),
    _col("lease_until", Micros, null=True),
    _col("progress", JsonText),
    _col("result", JsonText, null=True),
    _col("error", Text),
    _col("created_at", Micros),
    _col("started_at", Micros, null=True),
    _col("finished_at", Micros, null=True),
    UniqueConstraint("key"),
    Index("ix_jobs_state_created_at", "state", "created_at"),
)

attempts = _table(
    "attempts",
    _col("job_id", Text, ForeignKey("jobs.id"), key=True),
    _col("number", Int64, key=True),
    _col("fence", Int64),
    _col("worker", Text),
    _col("pid", Int64),
    _col("started_at", Micros),
    _col("ended_at", Micros, null=True),
    _col("outcome", Text),
    _col("reason", Text),
)

job_events = _table(
    "job_events",
    _col("job_id", Text, ForeignKey("jobs.id"), key=True),
    _col("attempt", Int64, key=True),
    _col("sequence", Int64, key=True),
    _col("kind", Text),
    _col("payload", JsonText),
    _col("at", Micros),
)

workers = _table(
    "workers",
    _col("id", Text, key=True),
    _col("pid", Int64),
    _col("host", Text),
    _col("started_at", Micros),
    _col("seen_at", Micros),
)

dataset_versions = _table(
    "dataset_versions",
    _col("id", Text, key=True),
    _col("digest", Text),
    _col("labels", Text),
    _col("policy", JsonText),
    _col("rows", Int64),
    _col("train", Int64),
    _col("holdout", Int64),
    _col("excluded", JsonText),
    _col("path", Text),
    _col("created_at", Micros),
    UniqueConstraint("digest"),
)

checkpoints = _table(
    "checkpoints",
    _col("id", Text, key=True),
    _col("name", Text),
    _col("job_id", Text, ForeignKey("jobs.id")),
    _col("parent", Text, ForeignKey("checkpoints.id"), null=True),
    _col("model", Text),
    _col("kind", Text),
    _col("path", Text),
    _col("dataset_version", Text, ForeignKey("dataset_versions.id")),
    _col("config", JsonText),
    _col("metrics", JsonText),
    _col("created_at", Micros),
    UniqueConstraint("name"),
)

evaluations = _table(
    "evaluations",
    _col("id", Text, key=True),
    _col("job_id", Text, ForeignKey("jobs.id")),
    _col("checkpoint", Text),
    _col("dataset_version", Text, ForeignKey("dataset_versions.id")),
    _col("split", Text),
    _col("metrics", JsonText),
    _col("created_at", Micros),
    Index("ix_evaluations_checkpoint", "checkpoint"),
)
