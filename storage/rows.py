"""What the ledger holds, as frozen dataclasses: one class per table or view of it.

Times are integer microseconds since 1970-01-01 UTC and end in `_at` (or `_until`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]


class Verdict(StrEnum):
    """What an expert decided about a pair, in canonical orientation."""

    A = "a"
    B = "b"
    TIE = "tie"
    BOTH_BAD = "both_bad"
    SKIP = "skip"


class AssignmentKind(StrEnum):
    NORMAL = "normal"
    GOLD = "gold"
    REPEAT = "repeat"
    ADJUDICATION = "adjudication"


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
class Media:
    """A picture or a video, normalized once at import.

    Attributes:
        id: picture: SHA-256 over width, height and RGB pixels; video: SHA-256 over the stored bytes.
        kind: `picture` or `video`.
        mime: `image/png`, `video/mp4` or `video/webm`.
        width, height: pixels; 0 where unknown (videos).
        size: bytes as stored.
    """

    id: str
    kind: str
    mime: str
    width: int
    height: int
    size: int


@dataclass(frozen=True)
class Part:
    """One piece of a turn: `text` with words, or `image` / `video` with a media id."""

    type: str
    text: str = ""
    media: str = ""


@dataclass(frozen=True)
class Turn:
    """One message: role `system`, `user` or `assistant`, and its parts in order."""

    role: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Prompt:
    """Messages with their media. `id` is the SHA-256 of the canonical messages."""

    id: str
    category: str
    turns: tuple[Turn, ...]

    @property
    def media(self) -> tuple[str, ...]:
        return tuple(p.media for t in self.turns for p in t.parts if p.media)


@dataclass(frozen=True)
class Source:
    """Where a response comes from: `kind` is checkpoint, file or person."""

    kind: str
    name: str
    sampling: Json | None = None


@dataclass(frozen=True)
class Response:
    """One answer to a prompt. `id` is the SHA-256 of prompt id and text."""

    id: str
    prompt_id: str
    text: str


@dataclass(frozen=True)
class Pair:
    """Two responses in canonical orientation, drawn from a hash of the pair's id."""

    id: str
    prompt_id: str
    response_a: str
    response_b: str


@dataclass(frozen=True)
class PairView:
    """A pair with everything needed to show or train on it."""

    pair: Pair
    prompt: Prompt
    text_a: str
    text_b: str


@dataclass(frozen=True)
class ImportedLabel:
    """Which response a file says is better. No vote, hidden from annotators.

    `labeled_by` names the labels in every figure: `imported`, `oracle`, ...
    """

    pair_id: str
    winner: str
    labeled_by: str
    batch_id: str
    source: str
    line: int
    record_id: str


@dataclass(frozen=True)
class Batch:
    """Pairs given out for labeling together."""

    id: str
    name: str
    overlap: int
    guidelines: str
    rubric: str
    both_bad: bool
    created_at: int


@dataclass(frozen=True)
class Annotator:
    id: str
    name: str
    simulated: bool
    created_at: int


@dataclass(frozen=True)
class Link:
    """The capability of one annotator for one batch. Only the hash of its secret is kept."""

    id: str
    batch_id: str
    annotator_id: str
    secret_hash: str
    created_at: int
    expires_at: int
    revoked_at: int | None
    last_seen_at: int | None


@dataclass(frozen=True)
class Session:
    """One browser that exchanged a link for a cookie. `id` is the SHA-256 of the cookie value."""

    id: str
    link_id: str
    created_at: int
    last_seen_at: int


@dataclass(frozen=True)
class Assignment:
    """One pair of a batch offered to one annotator.

    `left` says which canonical response (`a` or `b`) is shown on the left.
    """

    id: str
    batch_id: str
    pair_id: str
    annotator_id: str
    kind: AssignmentKind
    left: str
    sequence: int
    offered_at: int
    leased_until: int


@dataclass(frozen=True)
class VoteEvent:
    """A vote or an undo on an assignment, as the browser reported it. Append-only.

    Attributes:
        event_id: chosen by the browser, unique; makes a repeated post harmless.
        sequence: 1, 2, ... within the assignment.
        kind: `vote` or `undo`; an undo takes back the last vote of its assignment.
        verdict: canonical; None for an undo.
        shown_at, decided_at: microseconds by the browser's clock.
        active_ms: milliseconds the page was visible while the pair was shown.
    """

    event_id: str
    assignment_id: str
    sequence: int
    kind: str
    verdict: Verdict | None
    note: str
    rubric: Json | None
    shown_at: int
    decided_at: int
    active_ms: int
    received_at: int


@dataclass(frozen=True)
class EffectiveVote:
    """The last vote of an assignment that was not undone."""

    assignment_id: str
    batch_id: str
    pair_id: str
    annotator: str
    verdict: Verdict
    left: str
    received_at: int


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
    """One line of a runner's `events.jsonl`, ingested. Kinds: metric, progress, note, checkpoint."""

    job_id: str
    attempt: int
    sequence: int
    kind: str
    payload: Json
    at: int


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


@dataclass(frozen=True)
class Rejected:
    """A line that was not imported, with the reason. Lines count from 1."""

    line: int
    reason: str


@dataclass(frozen=True)
class ImportReport:
    """What an import did. Every record is in exactly one of imported, present, rejected.

    Attributes:
        records: lines that were not empty.
        imported: records that added a pair or a label to the batch.
        present: records that were already there.
        pairs: distinct pairs of the file.
        conflicts: records whose imported label contradicts one already recorded.
        notes: anything else that the user should know, in sentences.
    """

    batch: str
    records: int
    imported: int
    present: int
    pairs: int
    conflicts: int
    rejected: Sequence[Rejected]
    notes: Sequence[str]
