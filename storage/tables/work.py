"""Background work: jobs, their attempts and events, workers, models to start from."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint

from storage.columns import Int64, JsonText, Micros
from storage.tables.base import col, table

models = table(
    "models",
    col("name", Text, key=True),
    col("location", Text),
    col("created_at", Micros),
)

jobs = table(
    "jobs",
    col("id", Text, key=True),
    col("kind", Text),
    col("state", Text),
    col("spec", JsonText),
    col("key", Text),
    col("fence", Int64),
    col("attempt", Int64),
    col("max_attempts", Int64),
    col("lease_owner", Text, null=True),
    col("lease_until", Micros, null=True),
    col("progress", JsonText),
    col("result", JsonText, null=True),
    col("error", Text),
    col("created_at", Micros),
    col("started_at", Micros, null=True),
    col("finished_at", Micros, null=True),
    UniqueConstraint("key"),
    Index("ix_jobs_state_created_at", "state", "created_at"),
)

attempts = table(
    "attempts",
    col("job_id", Text, ForeignKey("jobs.id"), key=True),
    col("number", Int64, key=True),
    col("fence", Int64),
    col("worker", Text),
    col("pid", Int64),
    col("started_at", Micros),
    col("ended_at", Micros, null=True),
    col("outcome", Text),
    col("reason", Text),
)

job_events = table(
    "job_events",
    col("job_id", Text, ForeignKey("jobs.id"), key=True),
    col("attempt", Int64, key=True),
    col("sequence", Int64, key=True),
    col("kind", Text),
    col("payload", JsonText),
    col("at", Micros),
)

workers = table(
    "workers",
    col("id", Text, key=True),
    col("pid", Int64),
    col("host", Text),
    col("started_at", Micros),
    col("seen_at", Micros),
)
