"""The rows that training reads, and the versions that hold them.

Times are integer microseconds since 1970-01-01 UTC and end in `_at` (or `_until`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.rows.content import Prompt
from storage.rows.values import Json


@dataclass(frozen=True)
class DatasetVersion:
    """An immutable set of chosen/rejected rows.

    Attributes:
        id: `v1`, `v2`, ...
        digest: SHA-256 over the sorted canonical rows: same inputs, same digest, any machine.
        labels: who decided: `consensus`, `imported`, `oracle`, one annotator, or a mixture.
        policy: the resolved settings it was built with.
        excluded: reason -> number of pairs left out.
        path: Parquet file relative to the workspace.
    """

    id: str
    digest: str
    labels: str
    policy: Json
    rows: int
    train: int
    holdout: int
    excluded: Mapping[str, int]
    path: str
    created_at: int


@dataclass(frozen=True)
class DatasetRow:
    """One chosen/rejected row before it becomes Parquet."""

    pair_id: str
    prompt: Prompt
    chosen: str
    rejected: str
    labels: str
    votes: int
    confidence: float
    record_id: str
    split: str = "train"
