"""What is compared: media, prompts, responses, pairs and the labels that came with a file.

Times are integer microseconds since 1970-01-01 UTC and end in `_at` (or `_until`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from storage.rows.values import Json


@dataclass(frozen=True)
class Media:
    """A picture or a video, normalized once at import.

    Attributes:
        id: SHA-256, of a picture over width, height and RGB pixels, of a video over its bytes.
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

    @property
    def question(self) -> str:
        """What the last user turn says, as one line."""
        asked = [turn for turn in self.turns if turn.role == "user"]
        return " ".join(part.text for turn in asked[-1:] for part in turn.parts if part.text)


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
class Rejected:
    """A line that was not imported, with the reason. Lines count from 1."""

    line: int
    reason: str


@dataclass(frozen=True)
class FirstPair:
    """One of the first pairs of a file, to be looked at before an import.

    Attributes:
        prompt: its last message, with `<image>` where a picture stands.
        answers: in the order of the file.
        said: who prefers what, one each: `label-studio:3: first`.
    """

    line: int
    category: str
    prompt: str
    answers: tuple[str, str]
    said: Sequence[str]


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
        format, why: how the file was read, and what told so.
        columns: field -> column, where columns have a meaning of their own.
        taken_as: `labels` or `votes`.
        decisions: what the file says of the pairs -> how often: `preferred`, `tie`, `both_bad`,
            `skip`, `none`. Only what is preferred can become an imported label.
        votes: `added`, `present`, `conflicting` -> votes, with `taken_as` votes.
        first: the first pairs.
    """

    batch: str
    records: int
    imported: int
    present: int
    pairs: int
    conflicts: int
    rejected: Sequence[Rejected]
    notes: Sequence[str]
    format: str = "swift"
    why: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    taken_as: str = "labels"
    decisions: Mapping[str, int] = field(default_factory=dict)
    votes: Mapping[str, int] = field(default_factory=dict)
    first: Sequence[FirstPair] = ()
