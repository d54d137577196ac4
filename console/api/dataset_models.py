"""What goes over the wire about dataset versions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rounds.dataset import BuildSettings
from rounds.row_filters import RowFilter
from rounds.row_votes import RowVote, VotedRow
from storage.dataset_notes import LONGEST, DatasetNote
from storage.rows import DatasetVersion

Name = Annotated[str, Field(min_length=1, max_length=200)]
_Word = Annotated[str, Field(max_length=1000)]
_Share = Annotated[float, Field(ge=0, le=1)]
_NoteText = Annotated[str, Field(max_length=LONGEST)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FilterIn(_Request):
    """What a pair has to be; an empty field does not filter. Days are `2026-11-20`, in UTC."""

    category: _Word = ""
    source: _Word = ""
    annotator: _Word = ""
    failure: _Word = ""
    tag: _Word = ""
    text: _Word = ""
    voted_from: _Word = ""
    voted_to: _Word = ""
    added_from: _Word = ""
    added_to: _Word = ""
    confidence_from: _Share | None = None
    confidence_to: _Share | None = None


class BuildRequest(_Request):
    """Freeze the decisions so far; the fields are those of `pairwright dataset build`. A note is
    written on the version, also where it was there already."""

    batch: Name | None = None
    round: Annotated[int, Field(ge=1, le=2**31)] | None = None
    labels: Literal["votes", "imported", "both"] = "votes"
    policy: Literal["majority", "weighted", "unanimous", "adjudicated"] = "majority"
    min_votes: Annotated[int, Field(ge=1, le=1000)] = 1
    min_agreement: Annotated[float, Field(ge=0, le=1)] = 0.67
    min_confidence: Annotated[float, Field(ge=0, lt=1)] = 0.0
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    holdout_by: Literal["media", "annotator"] = "media"
    seed: Annotated[int, Field(ge=0, le=2**53)] = 0
    audit: bool = False
    with_judge: _Word = ""
    filters: FilterIn = Field(default_factory=FilterIn)
    note: _NoteText = ""

    def settings(self) -> BuildSettings:
        """The same as a build takes them."""
        told = self.model_dump(exclude={"filters", "note"})
        return BuildSettings(**told, filters=RowFilter(**self.filters.model_dump()))


class NoteRequest(_Request):
    """The note from now on; an empty text takes it away."""

    text: _NoteText


class NoteOut(BaseModel):
    """A note on a version; `actor` wrote it."""

    number: int
    text: str
    actor: str
    created_at: datetime

    @classmethod
    def of(cls, note: DatasetNote) -> NoteOut:
        return cls(number=note.number, text=note.text, actor=note.actor, created_at=_at(note))


class NoteList(BaseModel):
    """Newest first: the first one stands."""

    notes: list[NoteOut]


class DatasetOut(BaseModel):
    """A dataset version; `excluded` counts the pairs left out by reason."""

    id: str
    digest: str
    labels: str
    policy: dict[str, Any]
    filters: dict[str, Any]
    rows: int
    train: int
    holdout: int
    excluded: dict[str, int]
    note: str
    created_at: datetime

    @classmethod
    def of(cls, version: DatasetVersion, note: str = "") -> DatasetOut:
        told = {name: value for name, value in vars(version).items() if name in cls.model_fields}
        # what another workspace wrote into a version that was pulled is not ours to trust
        told_filters = version.policy.get("filters")
        filters = told_filters if isinstance(told_filters, dict) else {}
        more = {"filters": filters, "note": note, "created_at": _at(version)}
        return cls.model_validate({**told, **more})


class DatasetList(BaseModel):
    """Oldest first."""

    datasets: list[DatasetOut]


class VoteOut(BaseModel):
    """A vote or a decision of a lead that stood on a pair when the version was built; `why_not`
    says why it did not count."""

    assignment: str
    annotator: str
    batch: str
    verdict: str
    kind: str
    received_at: datetime
    counted: bool
    why_not: str

    @classmethod
    def of(cls, one: RowVote) -> VoteOut:
        return cls.model_validate({**one.as_json(), "received_at": _at(one.vote)})


class VotedRowOut(BaseModel):
    """A row with what decided it. `chosen` is the answer of the pair, `a` or `b`, empty where the
    pair is not here; `agrees` says whether as many votes count as the row says."""

    pair: str
    category: str
    split: str
    chosen: str
    labels: str
    policy: str
    confidence: float
    consensus: str
    agrees: bool
    votes: list[VoteOut]

    @classmethod
    def of(cls, row: VotedRow) -> VotedRowOut:
        votes = [VoteOut.of(one) for one in row.votes]
        return cls.model_validate({**row.as_json(), "votes": votes})


class VotedRows(BaseModel):
    """A page of the rows of a version, by pair id; `total` counts all of them."""

    version: str
    page: int
    pages: int
    total: int
    rows: list[VotedRowOut]


def _at(found: Any) -> datetime:
    micros = found.received_at if hasattr(found, "received_at") else found.created_at
    return datetime.fromtimestamp(micros / 1_000_000, UTC)
