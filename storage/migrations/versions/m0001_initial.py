"""The first schema: content, labeling, jobs, and what they lead to."""

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
    text,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Int64 = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables, parents first."""
    _create_media_and_prompts()
    _create_responses()
    _create_pairs()
    _create_imported_labels()
    _create_people()
    _create_assignments()
    _create_votes()
    _create_jobs()
    _create_attempts()
    _create_results()


def _create_media_and_prompts() -> None:
    _table(
        "media",
        *_texts("id", "kind", "mime"),
        *_ints("width", "height", "size", "created_at"),
        PrimaryKeyConstraint("id", name="pk_media"),
    )
    _table(
        "prompts",
        *_texts("id", "category", "messages", "text"),
        *_ints("created_at"),
        PrimaryKeyConstraint("id", name="pk_prompts"),
    )
    op.create_index("ix_prompts_category", "prompts", ["category"])
    _table(
        "prompt_media",
        *_texts("prompt_id"),
        *_ints("position"),
        *_texts("media_id"),
        PrimaryKeyConstraint("prompt_id", "position", name="pk_prompt_media"),
        ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_prompt_media_media_id"),
        ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name="fk_prompt_media_prompt_id"),
    )


def _create_responses() -> None:
    _table(
        "responses",
        *_texts("id", "prompt_id", "text"),
        *_ints("created_at"),
        PrimaryKeyConstraint("id", name="pk_responses"),
        ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name="fk_responses_prompt_id"),
    )
    op.create_index("ix_responses_prompt_id", "responses", ["prompt_id"])
    _table(
        "response_sources",
        *_texts("response_id", "kind", "name"),
        _text("sampling", null=True),
        *_ints("created_at"),
        PrimaryKeyConstraint("response_id", "kind", "name", name="pk_response_sources"),
        ForeignKeyConstraint(
            ["response_id"], ["responses.id"], name="fk_response_sources_response_id"
        ),
    )


def _create_pairs() -> None:
    _table(
        "pairs",
        *_texts("id", "prompt_id", "response_a", "response_b"),
        *_ints("created_at"),
        PrimaryKeyConstraint("id", name="pk_pairs"),
        ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name="fk_pairs_prompt_id"),
        ForeignKeyConstraint(["response_a"], ["responses.id"], name="fk_pairs_response_a"),
        ForeignKeyConstraint(["response_b"], ["responses.id"], name="fk_pairs_response_b"),
    )
    op.create_index("ix_pairs_prompt_id", "pairs", ["prompt_id"])
    _table(
        "batches",
        *_texts("id", "name"),
        *_ints("overlap"),
        *_texts("guidelines", "rubric"),
        *_ints("both_bad", "created_at"),
        PrimaryKeyConstraint("id", name="pk_batches"),
        UniqueConstraint("name", name="uq_batches_name"),
    )
    _table(
        "batch_pairs",
        *_texts("batch_id", "pair_id", "position"),
        _int("votes", default="0"),
        PrimaryKeyConstraint("batch_id", "pair_id", name="pk_batch_pairs"),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_batch_pairs_batch_id"),
        ForeignKeyConstraint(["pair_id"], ["pairs.id"], name="fk_batch_pairs_pair_id"),
    )
    op.create_index("ix_batch_pairs_batch_id_position", "batch_pairs", ["batch_id", "position"])
    op.create_index(
        "ix_batch_pairs_next", "batch_pairs", ["batch_id", "votes", "position", "pair_id"]
    )
    op.create_index("ix_batch_pairs_pair_id", "batch_pairs", ["pair_id"])


def _create_imported_labels() -> None:
    _table(
        "imported_labels",
        *_texts("id", "pair_id", "winner", "labeled_by", "batch_id", "source"),
        *_ints("line"),
        *_texts("record_id"),
        *_ints("created_at"),
        PrimaryKeyConstraint("id", name="pk_imported_labels"),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_imported_labels_batch_id"),
        ForeignKeyConstraint(["pair_id"], ["pairs.id"], name="fk_imported_labels_pair_id"),
        UniqueConstraint(
            "pair_id",
            "batch_id",
            "winner",
            "labeled_by",
            name="uq_imported_labels_pair_id_batch_id_winner_labeled_by",
        ),
    )


def _create_people() -> None:
    _table(
        "annotators",
        *_texts("id", "name"),
        *_ints("simulated", "created_at"),
        PrimaryKeyConstraint("id", name="pk_annotators"),
        UniqueConstraint("name", name="uq_annotators_name"),
    )
    _table(
        "links",
        *_texts("id", "batch_id", "annotator_id", "secret_hash"),
        *_ints("created_at", "expires_at"),
        _int("revoked_at", null=True),
        _int("last_seen_at", null=True),
        PrimaryKeyConstraint("id", name="pk_links"),
        ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name="fk_links_annotator_id"),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_links_batch_id"),
    )
    op.create_index("ix_links_batch_id", "links", ["batch_id"])
    _table(
        "sessions",
        *_texts("id", "link_id"),
        *_ints("created_at", "last_seen_at"),
        PrimaryKeyConstraint("id", name="pk_sessions"),
        ForeignKeyConstraint(["link_id"], ["links.id"], name="fk_sessions_link_id"),
    )
    op.create_index("ix_sessions_link_id", "sessions", ["link_id"])


def _create_assignments() -> None:
    _table(
        "assignments",
        *_texts("id", "batch_id", "pair_id", "annotator_id", "kind", "left"),
        *_ints("sequence", "offered_at", "leased_until"),
        _int("answered_at", null=True),
        PrimaryKeyConstraint("id", name="pk_assignments"),
        ForeignKeyConstraint(
            ["annotator_id"], ["annotators.id"], name="fk_assignments_annotator_id"
        ),
        ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_assignments_batch_id"),
        ForeignKeyConstraint(["pair_id"], ["pairs.id"], name="fk_assignments_pair_id"),
        UniqueConstraint(
            "batch_id",
            "annotator_id",
            "sequence",
            name="uq_assignments_batch_id_annotator_id_sequence",
        ),
        UniqueConstraint(
            "batch_id",
            "pair_id",
            "annotator_id",
            "kind",
            name="uq_assignments_batch_id_pair_id_annotator_id_kind",
        ),
    )
    op.create_index(
        "ix_assignments_batch_id_annotator_id_answered_at",
        "assignments",
        ["batch_id", "annotator_id", "answered_at"],
    )
    op.create_index("ix_assignments_batch_id_pair_id", "assignments", ["batch_id", "pair_id"])
    op.create_index(
        "ix_assignments_open",
        "assignments",
        ["batch_id", "pair_id"],
        sqlite_where=text("answered_at IS NULL"),
        postgresql_where=text("answered_at IS NULL"),
    )


def _create_votes() -> None:
    _table(
        "votes",
        *_texts("event_id", "assignment_id"),
        *_ints("sequence"),
        *_texts("kind"),
        _text("verdict", null=True),
        *_texts("note"),
        _text("rubric", null=True),
        *_ints("shown_at", "decided_at", "active_ms", "received_at"),
        PrimaryKeyConstraint("event_id", name="pk_votes"),
        ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_votes_assignment_id"),
        UniqueConstraint("assignment_id", "sequence", name="uq_votes_assignment_id_sequence"),
    )
    op.create_index("ix_votes_received_at", "votes", ["received_at"])


def _create_jobs() -> None:
    _table(
        "models",
        *_texts("name", "location"),
        *_ints("created_at"),
        PrimaryKeyConstraint("name", name="pk_models"),
    )
    _table(
        "jobs",
        *_texts("id", "kind", "state", "spec", "key"),
        *_ints("fence", "attempt", "max_attempts"),
        _text("lease_owner", null=True),
        _int("lease_until", null=True),
        *_texts("progress"),
        _text("result", null=True),
        *_texts("error"),
        *_ints("created_at"),
        _int("started_at", null=True),
        _int("finished_at", null=True),
        PrimaryKeyConstraint("id", name="pk_jobs"),
        UniqueConstraint("key", name="uq_jobs_key"),
    )
    op.create_index("ix_jobs_state_created_at", "jobs", ["state", "created_at"])


def _create_attempts() -> None:
    _table(
        "attempts",
        *_texts("job_id"),
        *_ints("number", "fence"),
        *_texts("worker"),
        *_ints("pid", "started_at"),
        _int("ended_at", null=True),
        *_texts("outcome", "reason"),
        PrimaryKeyConstraint("job_id", "number", name="pk_attempts"),
        ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_attempts_job_id"),
    )
    _table(
        "job_events",
        *_texts("job_id"),
        *_ints("attempt", "sequence"),
        *_texts("kind", "payload"),
        *_ints("at"),
        PrimaryKeyConstraint("job_id", "attempt", "sequence", name="pk_job_events"),
        ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_events_job_id"),
    )
    _table(
        "workers",
        *_texts("id"),
        *_ints("pid"),
        *_texts("host"),
        *_ints("started_at", "seen_at"),
        PrimaryKeyConstraint("id", name="pk_workers"),
    )


def _create_results() -> None:
    _table(
        "dataset_versions",
        *_texts("id", "digest", "labels", "policy"),
        *_ints("rows", "train", "holdout"),
        *_texts("excluded", "path"),
        *_ints("created_at"),
        PrimaryKeyConstraint("id", name="pk_dataset_versions"),
        UniqueConstraint("digest", name="uq_dataset_versions_digest"),
    )
    _table(
        "checkpoints",
        *_texts("id", "name", "job_id"),
        _text("parent", null=True),
        *_texts("model", "kind", "path", "dataset_version", "config", "metrics"),
        *_ints("created_at"),
        PrimaryKeyConstraint("id", name="pk_checkpoints"),
        ForeignKeyConstraint(
            ["dataset_version"], ["dataset_versions.id"], name="fk_checkpoints_dataset_version"
        ),
        ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_checkpoints_job_id"),
        ForeignKeyConstraint(["parent"], ["checkpoints.id"], name="fk_checkpoints_parent"),
        UniqueConstraint("name", name="uq_checkpoints_name"),
    )
    _table(
        "evaluations",
        *_texts("id", "job_id", "checkpoint", "dataset_version", "split", "metrics"),
        *_ints("created_at"),
        PrimaryKeyConstraint("id", name="pk_evaluations"),
        ForeignKeyConstraint(
            ["dataset_version"], ["dataset_versions.id"], name="fk_evaluations_dataset_version"
        ),
        ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_evaluations_job_id"),
    )
    op.create_index("ix_evaluations_checkpoint", "evaluations", ["checkpoint"])


def _table(name: str, *parts: Column[Any] | Constraint) -> None:
    op.create_table(name, *parts, sqlite_strict=True)


def _texts(*names: str) -> list[Column[Any]]:
    return [_text(name) for name in names]


def _ints(*names: str) -> list[Column[Any]]:
    return [_int(name) for name in names]


def _text(name: str, null: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=null)


def _int(name: str, null: bool = False, default: str | None = None) -> Column[Any]:
    return Column(name, Int64, nullable=null, server_default=default)
