"""What every foreign format is read into: messages, two answers, and who prefers which.

A record also travels as one line of JSON, from the process that reads a stranger's file to the
process that writes the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from storage import categories, identity, swift_records
from storage.errors import WrongInputError

FIRST, SECOND, TIE, BOTH_BAD, SKIP = CHOICES = ("first", "second", "tie", "both_bad", "skip")
# characters; far above any answer, far below what would make a page or a model stumble
LONGEST_TEXT = 1_000_000
LONGEST_NOTE = 16_000
# letters of base64: 32 MiB of picture
LONGEST_DATA = 4 * (32 * 1024 * 1024 // 3 + 1)
# of one record, as a multiple of its longest text or largest picture
MOST_IN_ALL = 4
_IN_MESSAGE = "The text of a message"


@dataclass(frozen=True)
class Piece:
    """A piece of a message: `text`, or an `image` or `video`.

    Attributes:
        file: as the record names it, to be found below the media root.
        data: instead of a file, the picture itself in base64.
    """

    type: str
    text: str = ""
    file: str = ""
    data: str = ""


@dataclass(frozen=True)
class Message:
    role: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Opinion:
    """What one judge said about the two answers.

    Attributes:
        who: name of the judge, such as `label-studio:3`; empty when the file does not say.
        choice: one of `CHOICES`, by the order of the record's answers.
        decided_at: microseconds since 1970, 0 when not said.
        active_ms: 0 when not said.
    """

    who: str
    choice: str
    note: str = ""
    decided_at: int = 0
    active_ms: int = 0


@dataclass(frozen=True)
class Record:
    """Two answers to one prompt.

    Attributes:
        messages: of the prompt.
        models: what gave the answers, in their order; empty when not said.
    """

    messages: tuple[Message, ...]
    answers: tuple[str, str]
    opinions: tuple[Opinion, ...] = ()
    record_id: str = ""
    category: str = categories.UNCATEGORIZED
    models: tuple[str, str] = ("", "")


def check(record: Record) -> Record:
    """The record, when it can become a pair.

    Raises:
        WrongInputError: saying what is wrong with it.
    """
    swift_records.check_roles([message.role for message in record.messages])
    for message in record.messages:
        for piece in message.pieces:
            _check_piece(message.role, piece)
    pieces = [piece for message in record.messages for piece in message.pieces]
    _check_whole("texts", sum(len(piece.text) for piece in pieces), LONGEST_TEXT)
    _check_whole("pictures", sum(len(piece.data) for piece in pieces), LONGEST_DATA)
    for number, answer in enumerate(record.answers, start=1):
        _check_text(swift_records.check_text(answer, f"answer {number}"), f"Answer {number}")
    if identity.same_answer(*record.answers):
        raise WrongInputError("Both answers are the same, or differ only in whitespace.")
    categories.check(record.category)
    if len(record.record_id) > swift_records.LONGEST_ID:
        raise WrongInputError(f"The id is longer than {swift_records.LONGEST_ID} characters.")
    for opinion in record.opinions:
        _check_opinion(opinion)
    return record


def as_json(record: Record) -> dict[str, Any]:
    """The record as a JSON object."""
    return asdict(record)


def from_json(value: Mapping[str, Any]) -> Record:
    """The record that `as_json` wrote."""
    messages = tuple(
        Message(each["role"], tuple(Piece(**piece) for piece in each["pieces"]))
        for each in value["messages"]
    )
    return Record(
        messages=messages,
        answers=_two(value["answers"]),
        opinions=tuple(Opinion(**opinion) for opinion in value["opinions"]),
        record_id=value["record_id"],
        category=value["category"],
        models=_two(value["models"]),
    )


def _two(values: Sequence[str]) -> tuple[str, str]:
    first, second = values
    return first, second


def _check_piece(role: str, piece: Piece) -> None:
    if piece.type == "text":
        _check_text(piece.text, _IN_MESSAGE)
    elif role != "user":
        raise WrongInputError(f"A {piece.type} stands in a {role} message; only users show media.")
    elif len(piece.data) > LONGEST_DATA:
        raise WrongInputError(
            f"A picture within the record has {len(piece.data) * 3 // 4 / 1024**2:.0f} MiB, but"
            f" {LONGEST_DATA * 3 // 4 // 1024**2} MiB are the most."
        )


def _check_whole(what: str, length: int, longest: int) -> None:
    if length > MOST_IN_ALL * longest:
        raise WrongInputError(
            f"The {what} of the prompt have {length:,} characters together, but"
            f" {MOST_IN_ALL * longest:,} are the most."
        )


def _check_text(text: str, where: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise WrongInputError(
            f"{where} has {len(text):,} characters, but {LONGEST_TEXT:,} are the most."
        )
    if "\0" in text:
        raise WrongInputError(f"{where} contains a NUL character.")
    if swift_records.has_placeholder(text):
        raise WrongInputError(f"{where} contains <image> or <video> where no media can stand.")


def _check_opinion(opinion: Opinion) -> None:
    if opinion.who and (len(opinion.who) > 100 or not opinion.who.isprintable()):
        raise WrongInputError(
            f"{opinion.who[:100]!r} cannot name a judge: use one line of 1 to 100 characters."
        )
    if len(opinion.note) > LONGEST_NOTE or "\0" in opinion.note:
        raise WrongInputError(
            f"A note has {len(opinion.note):,} characters or a NUL; {LONGEST_NOTE:,} are the most."
        )
    if not (0 <= opinion.decided_at < 2**63 and 0 <= opinion.active_ms < 2**63):
        raise WrongInputError("A time of a judgement is out of range.")
