"""Who chooses, on what, and what they chose."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Text, UniqueConstraint, text

from storage.columns import Flag, Int64, JsonText, Micros
from storage.tables.base import col, table

annotators = table(
    "annotators",
    col("id", Text, key=True),
    col("name", Text),
    col("simulated", Flag),
    col("created_at", Micros),
    UniqueConstraint("name"),
)

links = table(
    "links",
    col("id", Text, key=True),
    col("batch_id", Text, ForeignKey("batches.id")),
    col("annotator_id", Text, ForeignKey("annotators.id")),
    col("secret_hash", Text),
    col("created_at", Micros),
    col("expires_at", Micros),
    col("revoked_at", Micros, null=True),
    col("last_seen_at", Micros, null=True),
    # null: from the start; without end; as fast as one likes
    col("starts_at", Micros, null=True),
    col("quota", Int64, null=True),
    col("pace", Int64, null=True),
    Index("ix_links_batch_id", "batch_id"),
)

sessions = table(
    "sessions",
    col("id", Text, key=True),
    col("link_id", Text, ForeignKey("links.id")),
    col("created_at", Micros),
    col("last_seen_at", Micros),
    Index("ix_sessions_link_id", "link_id"),
)

# browsers that opened the bench of a lead; batch null: for every batch
lead_sessions = table(
    "lead_sessions",
    col("id", Text, key=True),
    col("annotator_id", Text, ForeignKey("annotators.id")),
    col("batch_id", Text, ForeignKey("batches.id"), null=True),
    col("created_at", Micros),
    col("expires_at", Micros),
    col("revoked_at", Micros, null=True),
)

assignments = table(
    "assignments",
    col("id", Text, key=True),
    col("batch_id", Text, ForeignKey("batches.id")),
    col("pair_id", Text, ForeignKey("pairs.id")),
    col("annotator_id", Text, ForeignKey("annotators.id")),
    col("kind", Text),
    col("left", Text),
    col("sequence", Int64),
    col("offered_at", Micros),
    col("leased_until", Micros),
    # when the effective vote came, null without one: kept by votes.append beside the log
    col("answered_at", Micros, null=True),
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
        "ix_assignments_checks",
        "batch_id",
        "annotator_id",
        "kind",
        sqlite_where=text("kind <> 'normal'"),
        postgresql_where=text("kind <> 'normal'"),
    ),
    Index(
        "ix_assignments_open",
        "batch_id",
        "pair_id",
        sqlite_where=text("answered_at IS NULL"),
        postgresql_where=text("answered_at IS NULL"),
    ),
)

votes = table(
    "votes",
    col("event_id", Text, key=True),
    col("assignment_id", Text, ForeignKey("assignments.id")),
    col("sequence", Int64),
    col("kind", Text),
    col("verdict", Text, null=True),
    col("note", Text),
    col("rubric", JsonText, null=True),
    col("failures", JsonText, null=True),
    col("confidence", Int64, null=True),
    col("shown_at", Micros),
    col("decided_at", Micros),
    col("active_ms", Int64),
    col("received_at", Micros),
    # of the batch's guidelines as they stood on the page, null when the browser does not say
    col("guidelines_version", Int64, null=True),
    UniqueConstraint("assignment_id", "sequence"),
    Index("ix_votes_received_at", "received_at"),
)

# what a lead decides about somebody who did not pass the qualification round of a batch
qualification_decisions = table(
    "qualification_decisions",
    col("id", Text, key=True),
    col("batch_id", Text, ForeignKey("batches.id")),
    col("annotator_id", Text, ForeignKey("annotators.id")),
    col("kind", Text),
    # the annotator's last assignment by then: a new round begins after it
    col("after_sequence", Int64),
    col("created_at", Micros),
    Index("ix_qualification_decisions_batch_id_annotator_id", "batch_id", "annotator_id"),
)

# what an annotator says is wrong with a pair; the skip that goes with it has the same event id
reports = table(
    "reports",
    col("event_id", Text, ForeignKey("votes.event_id"), key=True),
    col("assignment_id", Text, ForeignKey("assignments.id")),
    col("kind", Text),
    col("note", Text),
    col("received_at", Micros),
    Index("ix_reports_assignment_id", "assignment_id"),
)

# whose votes do not count, and which: events, of which the last one of a place stands
exclusions = table(
    "exclusions",
    Column("number", Int64, primary_key=True, autoincrement=False),
    col("kind", Text),
    col("annotator_id", Text, ForeignKey("annotators.id")),
    # null: everywhere; and, beside it, null: whatever the annotator votes there
    col("batch_id", Text, ForeignKey("batches.id"), null=True),
    col("assignment_id", Text, ForeignKey("assignments.id"), null=True),
    col("actor", Text),
    col("reason", Text),
    col("created_at", Micros),
)
