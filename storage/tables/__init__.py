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
    lead_sessions,
    links,
    qualification_decisions,
    reports,
    sessions,
    votes,
)
from storage.tables.organizing import (
    excluded_pairs,
    pair_action_items,
    pair_actions,
    pair_tags,
    saved_views,
)
from storage.tables.results import (
    activations,
    checkpoints,
    dataset_notes,
    dataset_versions,
    evaluations,
    independent_results,
    publications,
)
from storage.tables.rounds import (
    audit_draws,
    audit_pairs,
    category_targets,
    cluster_events,
    picks,
    round_events,
    rounds,
    triggers,
)
from storage.tables.serving import api_keys, segments
from storage.tables.work import attempts, job_events, jobs, models, workers

# Rows of these are facts: triggers refuse UPDATE and DELETE.
APPEND_ONLY = (
    *("votes", "imported_labels", "job_events", "dataset_versions", "evaluations"),
    *("activations", "publications", "reports", "guidelines", "qualification_decisions"),
    *("exclusions", "rounds", "round_events", "category_targets", "picks", "triggers"),
    *("cluster_events", "audit_draws", "audit_pairs", "pair_actions", "pair_action_items"),
    *("independent_results", "dataset_notes"),
)

__all__ = [
    "APPEND_ONLY",
    "activations",
    "annotators",
    "api_keys",
    "assignments",
    "attempts",
    "audit_draws",
    "audit_pairs",
    "batch_pairs",
    "batches",
    "category_targets",
    "checkpoints",
    "cluster_events",
    "dataset_notes",
    "dataset_versions",
    "evaluations",
    "excluded_pairs",
    "exclusions",
    "guidelines",
    "imported_labels",
    "independent_results",
    "job_events",
    "jobs",
    "lead_sessions",
    "links",
    "media",
    "metadata",
    "models",
    "pair_action_items",
    "pair_actions",
    "pair_tags",
    "pairs",
    "picks",
    "prompt_media",
    "prompts",
    "publications",
    "qualification_decisions",
    "reports",
    "response_sources",
    "responses",
    "round_events",
    "rounds",
    "saved_views",
    "segments",
    "sessions",
    "triggers",
    "votes",
    "workers",
]
