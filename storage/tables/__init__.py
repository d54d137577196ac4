"""The schema of the ledger today. Migrations lead here, and a test proves it."""

from __future__ import annotations

from storage.tables.base import metadata
from storage.tables.content import (
    batch_pairs,
    batches,
    guidelines,
    imported_labels,
    media,
    pairs,
    prompt_media,
    prompts,
    response_sources,
    responses,
)
from storage.tables.labeling import (
    annotators,
    assignments,
    exclusions,
    links,
    qualification_decisions,
    reports,
    sessions,
    votes,
)
from storage.tables.results import (
    activations,
    checkpoints,
    dataset_versions,
    evaluations,
    publications,
)
from storage.tables.serving import api_keys, segments
from storage.tables.work import attempts, job_events, jobs, models, workers

# Rows of these are facts: triggers refuse UPDATE and DELETE.
APPEND_ONLY = (
    *("votes", "imported_labels", "job_events", "dataset_versions", "evaluations"),
    *("activations", "publications", "reports", "guidelines", "qualification_decisions"),
    "exclusions",
)

__all__ = [
    "APPEND_ONLY",
    "activations",
    "annotators",
    "api_keys",
    "assignments",
    "attempts",
    "batch_pairs",
    "batches",
    "checkpoints",
    "dataset_versions",
    "evaluations",
    "exclusions",
    "guidelines",
    "imported_labels",
    "job_events",
    "jobs",
    "links",
    "media",
    "metadata",
    "models",
    "pairs",
    "prompt_media",
    "prompts",
    "publications",
    "qualification_decisions",
    "reports",
    "response_sources",
    "responses",
    "segments",
    "sessions",
    "votes",
    "workers",
]
