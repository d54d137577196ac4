"""What goes over the wire of the API. Times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from storage.rows import Activation, Checkpoint, Job, JobEvent

Name = Annotated[str, Field(min_length=1, max_length=200)]
Rivals = Annotated[list[Name], Field(max_length=20)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainRequest(_Request):
    """Train with DPO on a dataset version.

    `start_from` is a model of `pairwright model list` or a checkpoint; `settings` are those of
    docs/settings.md, what is left out has its default. DPO from a model that nobody seems to have
    taught to answer is refused unless `without_sft` says that it is meant.
    """

    kind: Literal["train"]
    dataset: Name
    start_from: Name
    settings: dict[str, Any] = Field(default_factory=dict)
    without_sft: bool = False


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
    batch is needed. With `rivals`, other models or checkpoints that answer the same prompts, every
    pair has answers of two of them: a blind A/B test.
    """

    kind: Literal["sample"]
    start_from: Name
    prompts: Annotated[list[PromptIn], Field(min_length=1, max_length=10_000)]
    batch: Annotated[str, Field(max_length=200)] = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    rivals: Rivals = Field(default_factory=list)


class QuestionIn(_Request):
    """A question about a picture; `<image>` in it is where the picture stands."""

    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    category: Annotated[str, Field(max_length=200)] = ""
    system: Annotated[str, Field(max_length=20_000)] = ""


class PrepareRequest(_Request):
    """Ask questions about the pictures of a batch that is here; two answers that differ are a pair
    of `batch`.

    `per_picture` questions are drawn for each picture, null for all. `settings` and `rivals` are
    those of a sampling.
    """

    kind: Literal["prepare"]
    start_from: Name
    pictures_of: Name
    questions: Annotated[list[QuestionIn], Field(min_length=1, max_length=1000)]
    batch: Name
    per_picture: Annotated[int, Field(ge=1, le=1000)] | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    rivals: Rivals = Field(default_factory=list)


class JudgeRequest(_Request):
    """Let a model or checkpoint of the workspace say which answers of a batch are better.

    `again` asks also about pairs that it has labeled by these instructions; empty instructions are
    the standard text. `settings` are those of judging in docs/settings.md.
    """

    kind: Literal["judge"]
    batch: Name
    judge: Name
    instructions: Annotated[str, Field(max_length=20_000)] = ""
    again: bool = False
    settings: dict[str, Any] = Field(default_factory=dict)


JobRequest = Annotated[
    TrainRequest | EvaluateRequest | SampleRequest | PrepareRequest | JudgeRequest,
    Field(discriminator="kind"),
]


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
