"""What work led to: dataset versions, checkpoints, their figures, use and publication."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Text, UniqueConstraint

from storage.columns import Flag, Int64, JsonText, Micros
from storage.tables.base import col, table

dataset_versions = table(
    "dataset_versions",
    col("id", Text, key=True),
    col("digest", Text),
    col("labels", Text),
    col("policy", JsonText),
    col("rows", Int64),
    col("train", Int64),
    col("holdout", Int64),
    col("excluded", JsonText),
    col("path", Text),
    col("created_at", Micros),
    UniqueConstraint("digest"),
)

# what people wrote about versions: of the rows about a version the last one stands
dataset_notes = table(
    "dataset_notes",
    Column("number", Int64, primary_key=True, autoincrement=False),
    col("dataset_version", Text, ForeignKey("dataset_versions.id")),
    col("text", Text),
    col("actor", Text),
    col("created_at", Micros),
    Index("ix_dataset_notes_dataset_version", "dataset_version"),
)

checkpoints = table(
    "checkpoints",
    col("id", Text, key=True),
    col("name", Text),
    col("job_id", Text, ForeignKey("jobs.id")),
    col("parent", Text, ForeignKey("checkpoints.id"), null=True),
    col("model", Text),
    col("kind", Text),
    col("path", Text),
    col("dataset_version", Text, ForeignKey("dataset_versions.id")),
    col("config", JsonText),
    col("metrics", JsonText),
    col("created_at", Micros),
    UniqueConstraint("name"),
)

evaluations = table(
    "evaluations",
    col("id", Text, key=True),
    col("job_id", Text, ForeignKey("jobs.id")),
    col("checkpoint", Text),
    col("dataset_version", Text, ForeignKey("dataset_versions.id")),
    col("split", Text),
    col("metrics", JsonText),
    col("created_at", Micros),
    Index("ix_evaluations_checkpoint", "checkpoint"),
)

# what others' questions and labels say of a checkpoint, beside the figures of our own pairs
independent_results = table(
    "independent_results",
    Column("number", Int64, primary_key=True, autoincrement=False),
    # id of a checkpoint, or name of a model
    col("checkpoint", Text),
    col("benchmark", Text),
    col("kind", Text),
    col("metrics", JsonText),
    # file of the single items, relative to the workspace; empty when there are none
    col("items", Text),
    col("digest", Text),
    col("source", Text),
    col("created_at", Micros),
    Index("ix_independent_results_checkpoint", "checkpoint"),
)

# which checkpoint is in use: the last row says it
activations = table(
    "activations",
    col("id", Text, key=True),
    col("kind", Text),
    col("checkpoint_id", Text, ForeignKey("checkpoints.id"), null=True),
    col("actor", Text),
    col("reason", Text),
    col("created_at", Micros),
    Index("ix_activations_created_at", "created_at"),
)

publications = table(
    "publications",
    col("id", Text, key=True),
    col("job_id", Text, ForeignKey("jobs.id")),
    col("kind", Text),
    col("subject", Text),
    col("repo", Text),
    col("revision", Text),
    col("tag", Text),
    col("url", Text),
    col("private", Flag),
    col("created_at", Micros),
    Index("ix_publications_subject", "subject"),
)
