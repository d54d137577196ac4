"""What goes over the wire between the bench and a lead.

Sides are `left` and `right`: A, the pair's own `a`, always stands on the left here, as in the
console. The lead learns everything that annotators said, their names only after asking, and
nothing of where an answer comes from.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from labeling.wire import Choice, Note, Refusal, ShownPair

# batch and pair
Item = Annotated[str, Field(pattern=r"^[0-9a-f]{64}-[0-9a-f]{64}$")]
LeadChoice = Literal["left", "right", "tie", "withdraw"]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LeadSessionRequest(_Request):
    """`POST /api/lead/session`: a link's token, to be turned into a cookie."""

    token: Annotated[str, Field(max_length=300)]


class DecisionRequest(_Request):
    """`POST /api/lead/decisions`: a decision, or an undo of the lead's last one.

    `event` is drawn by the browser; posting the same event again changes nothing. `withdraw` takes
    the pair out of labeling.
    """

    event: uuid.UUID
    kind: Literal["vote", "undo"]
    assignment: Item
    choice: LeadChoice | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _choice_fits_kind(self) -> DecisionRequest:
        if (self.kind == "vote") != (self.choice is not None):
            raise ValueError("a decision has a choice and an undo has none")
        if self.kind == "undo" and self.note:
            raise ValueError("an undo has no note")
        return self


class DismissalRequest(_Request):
    """`POST /api/lead/dismissals`: the reports on a pair need no decision."""

    event: uuid.UUID
    assignment: Item


class NamesRequest(_Request):
    """`POST /api/lead/names`: show who voted; this is recorded."""

    assignment: Item


class ShownRating(BaseModel):
    """One criterion; None for an answer that was not rated."""

    label: str
    left: int | None
    right: int | None


class ShownVote(BaseModel):
    """What one annotator said. `annotator` counts from 1 within the pair, in no lasting order;
    `name` is sent after the lead asked. Times in milliseconds."""

    annotator: int
    name: str | None
    choice: Choice
    again: bool
    ratings: list[ShownRating]
    failures: list[str]
    confidence: int | None
    note: str
    active_ms: int
    at: int


class ShownReport(BaseModel):
    """What an annotator says is wrong with the pair."""

    annotator: int
    name: str | None
    kind: str
    note: str
    dismissed: bool
    at: int


class DisputedPair(ShownPair):
    """A pair that waits for a lead, with everything that was said about it."""

    batch: str
    guidelines: str | None
    reasons: list[str]
    contested: bool
    reports: list[ShownReport]
    votes: list[ShownVote]
    names_seen: bool


class LeadState(BaseModel):
    """`GET /api/lead/state`, and part of every answer.

    Attributes:
        desk: opaque name of this lead's queue; the browser keeps its outbox under it.
        done: pairs that this lead has decided; total: those and the waiting ones.
        undo: the pair that an undo would bring back.
        current, upcoming: the pair to decide now and the one after it, to load ahead.
    """

    desk: str
    done: int
    total: int
    finished: bool
    undo: str | None
    current: DisputedPair | None
    upcoming: DisputedPair | None


class LeadAnswer(BaseModel):
    """The answer to everything that a lead does."""

    accepted: Literal[True] = True
    duplicate: bool
    state: LeadState


class LeadRefusal(BaseModel):
    """A 409 brings the fresh state along."""

    error: Refusal
    state: LeadState | None = None
