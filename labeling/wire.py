"""What goes over the wire between the bench and the labeling server.

Sides are `left` and `right` here, never canonical. Nothing in these models says where an answer
comes from, what others voted, or why a pair was chosen.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from storage import reports

Choice = Literal["left", "right", "tie", "skip", "both_bad"]
AssignmentId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
# milliseconds since 1970 by the browser's clock, up to the year 2286
Milliseconds = Annotated[int, Field(ge=0, le=9_999_999_999_999)]
ActiveMilliseconds = Annotated[int, Field(ge=0, le=7 * 86_400_000)]
MOST_RATINGS = 20


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    return text


Note = Annotated[str, Field(max_length=reports.LONGEST_NOTE), AfterValidator(_without_nul)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Rating = Annotated[int, Field(strict=True, ge=1, le=5)]
Ratings = Annotated[dict[Key, Rating], Field(max_length=MOST_RATINGS)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SessionRequest(_Request):
    """`POST /api/session`: a link's token, to be turned into a cookie."""

    token: Annotated[str, Field(max_length=200)]


class RatedSides(_Request):
    """Criterion -> 1 to 5 for each answer, by where it stands on the screen."""

    left: Ratings = Field(default_factory=dict)
    right: Ratings = Field(default_factory=dict)


class VoteRequest(_Request):
    """`POST /api/votes`: a vote, or an undo of the annotator's last vote.

    `event` is drawn by the browser; posting the same event again changes nothing. `failures` is
    what is wrong with the worse answer; `confidence` is 1 guess, 2 likely, 3 sure;
    `guidelines_version` is that of the guidelines on the page.
    """

    event: uuid.UUID
    kind: Literal["vote", "undo"]
    assignment: AssignmentId
    choice: Choice | None = None
    shown_at: Milliseconds = 0
    decided_at: Milliseconds = 0
    active_ms: ActiveMilliseconds = 0
    note: Note = ""
    rubric: RatedSides | None = None
    failures: Annotated[list[Key], Field(max_length=MOST_RATINGS)] = Field(default_factory=list)
    confidence: Annotated[int, Field(strict=True, ge=1, le=3)] | None = None
    guidelines_version: Annotated[int, Field(strict=True, ge=1, le=2**31)] | None = None

    @model_validator(mode="after")
    def _choice_fits_kind(self) -> VoteRequest:
        if (self.kind == "vote") != (self.choice is not None):
            raise ValueError("a vote has a choice and an undo has none")
        if self.kind == "undo" and (self.note or self.rubric or self.failures or self.confidence):
            raise ValueError("an undo has no note, rubric, failures or confidence")
        return self


class ReportRequest(_Request):
    """`POST /api/reports`: something is wrong with the pair; it goes to the lead and counts as a
    skip. Posting the same event again changes nothing."""

    event: uuid.UUID
    assignment: AssignmentId
    kind: Literal["broken_media", "names_its_model", "nonsense", "other"]
    note: Note = ""


class PresenceRequest(_Request):
    """`POST /api/presence`: the pair is still being looked at."""

    assignment: AssignmentId


class TextPart(BaseModel):
    type: Literal["text"] = "text"
    text: str


class MediaPart(BaseModel):
    """A picture or video at the address `src`.

    Attributes:
        full: where all pixels of a picture are, when `src` gives a smaller size of it.
        width, height: pixels of the picture itself; 0 for videos.
    """

    type: Literal["image", "video"]
    src: str
    full: str | None = None
    width: int = 0
    height: int = 0


class Message(BaseModel):
    role: str
    parts: list[TextPart | MediaPart]


class ShownPair(BaseModel):
    """One pair as this annotator sees it. `position` counts from 1."""

    assignment: str
    position: int
    messages: list[Message]
    left: str
    right: str


class CriterionInfo(BaseModel):
    """Something to rate; `low` and `high` are the words of 1 and 5."""

    key: str
    label: str
    low: str
    high: str


class FailureKindInfo(BaseModel):
    key: str
    label: str


class BatchInfo(BaseModel):
    """What the batch asks.

    Attributes:
        pairs: pairs in the batch, of everybody; sent when nothing is left.
        rubric: what to rate on each answer; None when the batch has no rubric.
        failure_kinds: what may be wrong with the worse answer; empty when not asked.
        confidence: whether to ask how sure the annotator is.
        guidelines_version: 1, 2, ... of the guidelines; 0 while there are none.
    """

    pairs: int | None
    guidelines: str | None
    both_bad: bool
    rubric: list[CriterionInfo] | None = None
    failure_kinds: list[FailureKindInfo] = Field(default_factory=list)
    confidence: bool = False
    guidelines_version: int = 0


QualificationOutcome = Literal["under_way", "passed", "not_passed"]


class Feedback(BaseModel):
    """What is right about a pair of the qualification round that was just judged.

    Attributes:
        right: whether the choice was the expected one.
        better: where the better answer stands in `pair`.
        explanation: the lead's, empty without one.
    """

    pair: ShownPair
    right: bool
    chosen: Choice
    better: Literal["left", "right"]
    explanation: str


class Qualification(BaseModel):
    """The qualification round, in pairs; `needed` right ones pass."""

    pairs: int
    judged: int
    right: int
    needed: int
    outcome: QualificationOutcome
    feedback: Feedback | None


class State(BaseModel):
    """`GET /api/state`, and part of every answer to a vote.

    Attributes:
        desk: opaque name of this annotator in this batch; the browser keeps its outbox under it.
        done: pairs this annotator has answered.
        total: done, open and still available ones.
        undo: assignment that an undo would take back.
        current, upcoming: the pair to judge now and the one after it, to load ahead.
        qualification: the round that comes before the batch, and until the first pair of the batch
            is judged; None otherwise, and where a batch has no round.
        quota: pairs that the link is for; None without end.
    """

    desk: str
    batch: BatchInfo
    done: int
    total: int
    finished: bool
    can_undo: bool
    undo: str | None
    current: ShownPair | None
    upcoming: ShownPair | None
    qualification: Qualification | None = None
    quota: int | None = None


class Ahead(BaseModel):
    """`GET /api/ahead`: the pairs of the state and those after them, to go on without a network."""

    pairs: list[ShownPair]


class VoteAnswer(BaseModel):
    """The answer to a vote, an undo or a report."""

    accepted: Literal[True] = True
    duplicate: bool
    state: State


class Refusal(BaseModel):
    what: str
    next: str


class RefusalAnswer(BaseModel):
    """Every answer with a status of 400 or more. A 409 brings the fresh state along."""

    error: Refusal
    state: State | None = None
