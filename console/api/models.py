"""What goes over the wire of the API. Times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from storage.rows import Activation, Checkpoint, DatasetVersion, Job, JobEvent

Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainRequest(_Request):
    """Train with DPO on a dataset version.

    `start_from` is a model of `pairwright model list` or a checkpoint; `settings` are those of
    docs/settings.md, what is left out has its default.
    """

    kind: Literal["train"]
    dataset: Name
    start_from: Name
    settings: dict[str, Any] = Field(default_factory=dict)


class EvaluateRequest(_Request):
    """Measure a checkpoint, or a model, on a split of a dataset version."""

    kind: Literal["evaluate"]
    dataset: Name
    checkpoint: Name
    split: Literal["train", "holdout", "all"] = "holdout"
    blank_pictures: bool = False
    answers: Annotated[int, Field(ge=0, le=10_000)] = 0


class MessageIn(_Request):
    """One turn of a prompt. Pictures cannot be sent: `<image>` is refused."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(min_length=1)]


class PromptIn(_Request):
    """A prompt of text; `id` is the caller's own name for it."""

    messages: Annotated[list[MessageIn], Field(min_length=1, max_length=100)]
    category: Annotated[str, Field(max_length=200)] = ""
    id: Annotated[str, Field(max_length=200)] = ""


class SampleRequest(_Request):
    """Let a model or checkpoint answer prompts; two answers that differ are a pair of `batch`.

    `settings` are those of sampling in docs/settings.md. With `answers` 1 there is no pair, and no
    batch is needed.
    """

    kind: Literal["sample"]
    start_from: Name
    prompts: Annotated[list[PromptIn], Field(min_length=1, max_length=10_000)]
    batch: Annotated[str, Field(max_length=200)] = ""
    settings: dict[str, Any] = Field(default_factory=dict)


JobRequest = Annotated[TrainRequest | EvaluateRequest | SampleRequest, Field(discriminator="kind")]


class BuildRequest(_Request):
    """Freeze the decisions so far; the fields are those of `pairwright dataset build`."""

    batch: Name | None = None
    labels: Literal["votes", "imported", "both"] = "votes"
    policy: Literal["majority", "weighted", "unanimous", "adjudicated"] = "majority"
    min_votes: Annotated[int, Field(ge=1, le=1000)] = 1
    min_agreement: Annotated[float, Field(ge=0, le=1)] = 0.67
    min_confidence: Annotated[float, Field(ge=0, lt=1)] = 0.0
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    holdout_by: Literal["media", "annotator"] = "media"
    seed: Annotated[int, Field(ge=0, le=2**53)] = 0


class ActivateRequest(_Request):
    """Why a checkpoint is taken into use."""

    reason: Annotated[str, Field(max_length=1000)] = ""


class RollbackRequest(ActivateRequest):
    """`expected` is the id of the checkpoint that the caller saw in use; null does not check."""

    expected: Name | None = None


class Health(BaseModel):
    """`schema_revision` is that of the ledger."""

    status: Literal["ok"] = "ok"
    version: str
    schema_revision: str


class JobOut(BaseModel):
    """A job; `result` and `error` are filled at its end."""

    id: str
    kind: str
    state: str
    attempt: int
    max_attempts: int
    spec: dict[str, Any]
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> JobOut:
        values = {name: value for name, value in vars(job).items() if name in cls.model_fields}
        return cls.model_validate(_timed(values))


class JobList(BaseModel):
    """Newest first."""

    jobs: list[JobOut]


class MetricPoint(BaseModel):
    """Figures of one optimizer step on one split (`train` or `holdout`)."""

    attempt: int
    step: int
    epoch: float
    split: str
    values: dict[str, Any]
    at: datetime

    @classmethod
    def of(cls, event: JobEvent) -> MetricPoint:
        return cls.model_validate({**event.payload, "attempt": event.attempt, "at": _moment(event)})


class JobMetrics(BaseModel):
    """Points in order; `after` is what to ask with for those that follow, null without any."""

    job: str
    state: str
    points: list[MetricPoint]
    after: str | None


class JobLog(BaseModel):
    """What the run wrote from byte `offset` on; `next_offset` is what to ask with for the rest.

    Nothing more comes once `text` is empty and the job has ended.
    """

    job: str
    state: str
    offset: int
    text: str
    next_offset: int


class DatasetOut(BaseModel):
    """A dataset version; `excluded` counts the pairs left out by reason."""

    id: str
    digest: str
    labels: str
    policy: dict[str, Any]
    rows: int
    train: int
    holdout: int
    excluded: dict[str, int]
    created_at: datetime

    @classmethod
    def of(cls, version: DatasetVersion) -> DatasetOut:
        values = {name: value for name, value in vars(version).items() if name in cls.model_fields}
        return cls.model_validate(_timed(values))


class DatasetList(BaseModel):
    """Oldest first."""

    datasets: list[DatasetOut]


class CheckpointOut(BaseModel):
    """A checkpoint with its lineage; `metrics` maps a name to {value, ci95, n, labels}."""

    id: str
    name: str
    job_id: str
    parent: str | None
    model: str
    kind: str
    dataset_version: str
    config: dict[str, Any]
    metrics: dict[str, Any]
    created_at: datetime

    @classmethod
    def of(cls, row: Checkpoint) -> CheckpointOut:
        values = {name: value for name, value in vars(row).items() if name in cls.model_fields}
        return cls.model_validate(_timed(values))


class CheckpointList(BaseModel):
    """Newest first; `active` is the id of the one in use."""

    checkpoints: list[CheckpointOut]
    active: str | None


class ActivationOut(BaseModel):
    """Which checkpoint is in use from then on; `kind` is activate or rollback."""

    kind: str
    checkpoint_id: str | None
    actor: str
    reason: str
    created_at: datetime

    @classmethod
    def of(cls, row: Activation) -> ActivationOut:
        values = {name: value for name, value in vars(row).items() if name in cls.model_fields}
        return cls.model_validate(_timed(values))


def _timed(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _utc(value) if name.endswith("_at") and value is not None else value
        for name, value in values.items()
    }


def _moment(event: JobEvent) -> datetime:
    return _utc(event.at)


def _utc(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1_000_000, UTC)
