"""Who decides what: batches, links, assignments and votes.

Times are integer microseconds since 1970-01-01 UTC and end in `_at` (or `_until`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.rows.values import Json


class Verdict(StrEnum):
    """What an expert decided about a pair, in canonical orientation."""

    A = "a"
    B = "b"
    TIE = "tie"
    BOTH_BAD = "both_bad"
    SKIP = "skip"


class AssignmentKind(StrEnum):
    """Why a pair is offered to somebody; `foreign` carries a vote that came with a file."""

    NORMAL = "normal"
    GOLD = "gold"
    REPEAT = "repeat"
    ADJUDICATION = "adjudication"
    FOREIGN = "foreign"
    QUALIFICATION = "qualification"


@dataclass(frozen=True)
class Batch:
    """Pairs given out for labeling together.

    Attributes:
        overlap: votes wanted per pair.
        rubric: empty for none, the name of a preset, or a rubric as JSON.
        both_bad: annotators may say that both answers are bad.
        confidence: annotators are asked how sure they are.
        review_limit: votes in all that a pair gets while it is too close to call or disputed;
            after that it waits for a lead.
        gold_rate, repeat_rate: gold pairs and swapped repeats offered per normal pair, 0 to 0.5.
        guidelines_version: 1, 2, ... of the guidelines; 0 while there are none.
        qualification_pairs: gold pairs that a new annotator judges first; 0 for no such round.
        qualification_pass: the share of them, 0 to 1, to be right on.
    """

    id: str
    name: str
    overlap: int
    guidelines: str
    rubric: str
    both_bad: bool
    created_at: int
    confidence: bool = False
    review_limit: int = 5
    gold_rate: float = 0.0
    repeat_rate: float = 0.0
    guidelines_version: int = 0
    qualification_pairs: int = 0
    qualification_pass: float = 0.0


@dataclass(frozen=True)
class GuidelinesVersion:
    """The guidelines of a batch from `created_at` until the next version."""

    batch_id: str
    version: int
    text: str
    created_at: int


@dataclass(frozen=True)
class Annotator:
    id: str
    name: str
    simulated: bool
    created_at: int


@dataclass(frozen=True)
class Link:
    """The capability of one annotator for one batch. Only the hash of its secret is kept.

    Attributes:
        starts_at: when it begins to work; None from the start.
        quota: pairs that the annotator may judge in the batch; None without end.
        pace: votes that it takes per minute; None without limit.
    """

    id: str
    batch_id: str
    annotator_id: str
    secret_hash: str
    created_at: int
    expires_at: int
    revoked_at: int | None
    last_seen_at: int | None
    starts_at: int | None = None
    quota: int | None = None
    pace: int | None = None


@dataclass(frozen=True)
class Session:
    """One browser that exchanged a link for a cookie. `id` is the SHA-256 of the cookie value."""

    id: str
    link_id: str
    created_at: int
    last_seen_at: int


@dataclass(frozen=True)
class LeadSession:
    """One browser that opened the bench of a lead, for one batch or (None) for all."""

    id: str
    annotator_id: str
    batch_id: str | None
    created_at: int
    expires_at: int
    revoked_at: int | None


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
        rubric: criterion -> 1 to 5, under `a` and `b`; None when nothing was rated.
        failures: what is wrong with the worse answer; None when not said.
        confidence: 1 guess, 2 likely, 3 sure; None when not said.
        shown_at, decided_at: microseconds by the browser's clock.
        active_ms: milliseconds the page was visible while the pair was shown.
        guidelines_version: of the guidelines that stood on the page; None when not said.
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
    failures: Sequence[str] | None = None
    confidence: int | None = None
    guidelines_version: int | None = None


@dataclass(frozen=True)
class EffectiveVote:
    """The last vote of an assignment that was not undone.

    With `kind` adjudication it is a lead's decision, and `annotator` is the lead.
    """

    assignment_id: str
    batch_id: str
    pair_id: str
    annotator: str
    verdict: Verdict
    left: str
    received_at: int
    kind: AssignmentKind = AssignmentKind.NORMAL


@dataclass(frozen=True)
class Report:
    """What an annotator says is wrong with a pair, for the lead.

    Attributes:
        event_id: chosen by the browser; the skip that goes with the report has the same.
        kind: one of `storage.reports.KINDS`.
    """

    event_id: str
    assignment_id: str
    batch_id: str
    pair_id: str
    annotator: str
    kind: str
    note: str
    received_at: int
