"""What runs in the background and what it makes: jobs, models, checkpoints, evaluations.

Times are integer microseconds since 1970-01-01 UTC and end in `_at` (or `_until`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storage.rows.values import Json


class JobState(StrEnum):
    QUEUED = "queued"
    LEASED = "leased"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class Model:
    """A model to start from: a folder or a Hub id under a short name."""

    name: str
    location: str
    created_at: int


@dataclass(frozen=True)
class Job:
    """A unit of background work. The row holds the lease; every write carries the fence."""

    id: str
    kind: str
    state: JobState
    spec: Json
    key: str
    fence: int
    attempt: int
    max_attempts: int
    lease_owner: str | None
    lease_until: int | None
    progress: Json
    result: Json | None
    error: str
    created_at: int
    started_at: int | None
    finished_at: int | None


@dataclass(frozen=True)
class Attempt:
    """One try at a job. `outcome` is empty while it runs."""

    job_id: str
    number: int
    fence: int
    worker: str
    pid: int
    started_at: int
    ended_at: int | None
    outcome: str
    reason: str


@dataclass(frozen=True)
class JobEvent:
    """One ingested line of a runner's events: metric, progress, note or checkpoint."""

    job_id: str
    attempt: int
    sequence: int
    kind: str
    payload: Json
    at: int


@dataclass(frozen=True)
class Worker:
    """A process that runs jobs. `id` is new for every start; `seen_at` moves with every beat."""

    id: str
    pid: int
    host: str
    started_at: int
    seen_at: int


@dataclass(frozen=True)
class Checkpoint:
    """Adapter or weights with lineage.

    Attributes:
        parent: id of the checkpoint trained from, or None when it started at the model.
        model: location of the model underneath (folder or Hub id).
        kind: `adapter` or `full`.
        path: folder with a verified manifest, relative to the workspace.
        dataset_version: what it was trained on.
        config: the resolved DPOSpec.
        metrics: name -> {value, ci95, n, labels}.
    """

    id: str
    name: str
    job_id: str
    parent: str | None
    model: str
    kind: str
    path: str
    dataset_version: str
    config: Json
    metrics: Json
    created_at: int


@dataclass(frozen=True)
class Activation:
    """A checkpoint taken into use.

    Attributes:
        kind: `activate`, or `rollback` to what was in use before.
        checkpoint_id: what is in use from then on.
        actor, reason: who did it and why.
    """

    id: str
    kind: str
    checkpoint_id: str | None
    actor: str
    reason: str
    created_at: int


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one checkpoint (or model) on one dataset version and split."""

    id: str
    job_id: str
    checkpoint: str
    dataset_version: str
    split: str
    metrics: Json
    created_at: int


@dataclass(frozen=True)
class Publication:
    """Something of ours on the Hub.

    Attributes:
        kind: `checkpoint` or `dataset`.
        subject: id of the checkpoint or dataset version.
        repo: ORG/NAME on the Hub.
        revision: commit that holds it; `tag` names it, `url` leads to it.
        private: whether the repository was private at that time.
    """

    id: str
    job_id: str
    kind: str
    subject: str
    repo: str
    revision: str
    tag: str
    url: str
    private: bool
    created_at: int
