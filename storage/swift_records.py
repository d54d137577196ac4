"""The `swift` format: one record as a line of JSON, and the way its texts name their media.

`messages` with the better answer last, `rejected_response`, `images` and `videos` whose order is
that of `<image>` and `<video>` in the user's texts; optional `id` and `category`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage import categories, identity
from storage.errors import WrongInputError
from storage.rows import Part, Turn

_KEYS = {"messages", "rejected_response", "images", "videos", "id", "category"}
_MESSAGE_KEYS = {"role", "content"}
# keys of the format that change what a record means, and that we do not read
_UNSUPPORTED = ("audios", "objects", "tools", "rejected_images", "rejected_messages")
_PLACEHOLDER = re.compile("(<image>|<video>)")
LONGEST_ID = 200


@dataclass(frozen=True)
class SwiftRecord:
    """One line, checked.

    Attributes:
        messages: (role, text) of the prompt: the last, the chosen answer, is not among them.
        images, videos: the files as the line names them.
        unknown: keys that mean nothing to us.
    """

    messages: tuple[tuple[str, str], ...]
    images: tuple[str, ...]
    videos: tuple[str, ...]
    chosen: str
    rejected: str
    record_id: str
    category: str
    unknown: tuple[str, ...]


def parse(value: Mapping[str, Any], *, demonstration: bool = False) -> SwiftRecord:
    """Check one record. As a `demonstration` it needs no rejected answer, and has none here.

    Raises:
        WrongInputError: something is missing, of the wrong kind, or does not fit together.
    """
    for key in _UNSUPPORTED:
        if value.get(key):
            raise WrongInputError(f"{key!r} is not supported.")
    messages = _messages(value)
    chosen = messages[-1][1]
    rejected = ""
    if not demonstration:
        rejected = check_text(value.get("rejected_response"), "rejected_response")
    if identity.same_answer(chosen, rejected):
        raise WrongInputError(
            "The chosen and the rejected answer are the same, or differ only in whitespace."
        )
    record = SwiftRecord(
        messages=messages[:-1],
        images=_files(value.get("images"), "images"),
        videos=_files(value.get("videos"), "videos"),
        chosen=chosen,
        rejected=rejected,
        record_id=_record_id(value.get("id")),
        category=_category(value.get("category")),
        unknown=tuple(_unknown(value)),
    )
    _check_placeholders(record)
    return record


def turns(
    messages: Sequence[tuple[str, str]], images: Sequence[str], videos: Sequence[str]
) -> tuple[Turn, ...]:
    """The messages with each placeholder as a part of its own, filled with media ids in order."""
    waiting = {"<image>": iter(images), "<video>": iter(videos)}

    def part(piece: str) -> Part:
        if piece in waiting:
            return Part(piece.strip("<>"), media=next(waiting[piece]))
        return Part("text", text=piece)

    return tuple(
        Turn(role, tuple(part(piece) for piece in _pieces(role, text) if piece))
        for role, text in messages
    )


def content(turn: Turn) -> str:
    """The text of a turn with placeholders where its media are."""
    return "".join(part.text or f"<{part.type}>" for part in turn.parts)


def has_placeholder(text: str) -> bool:
    """Whether a text contains `<image>` or `<video>`, which would be read as media."""
    return _PLACEHOLDER.search(text) is not None


def check_text(value: Any, name: str) -> str:
    """The value, when it is a text with something to read in it.

    Raises:
        WrongInputError: it is missing, no text, or nothing but blanks; the message has the name.
    """
    if value is None:
        raise WrongInputError(f"The {name} is missing.")
    if not isinstance(value, str):
        raise WrongInputError(f"The {name} is no text.")
    if not any(character.isprintable() and not character.isspace() for character in value):
        raise WrongInputError(f"The {name} is empty.")
    return value


def check_roles(roles: Sequence[str]) -> None:
    """Refuse messages of a prompt that do not take turns: [system,] user, assistant, ..., user.

    Raises:
        WrongInputError: naming the message that is out of turn.
    """
    start = 1 if roles and roles[0] == "system" else 0
    for index, role in enumerate(roles[start:]):
        expected = ("user", "assistant")[index % 2]
        if role != expected:
            raise WrongInputError(
                f"Message {start + index + 1} has the role {role[:40]!r}, expected {expected!r}:"
                " an optional system message comes first, then user and assistant take turns."
            )
    if (len(roles) - start) % 2 == 0:
        raise WrongInputError("There is no user message before the answer.")


def _messages(value: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    messages = value.get("messages")
    if not isinstance(messages, list) or not messages:
        raise WrongInputError("'messages' is missing or no list of messages.")
    found = []
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise WrongInputError(f"Message {number} is no object with a 'role'.")
        found.append(
            (message["role"], check_text(message.get("content"), f"content of message {number}"))
        )
    if found[-1][0] != "assistant":
        raise WrongInputError(
            f"The last message has the role {found[-1][0][:40]!r}, expected 'assistant':"
            " the chosen answer comes last."
        )
    check_roles([role for role, _ in found[:-1]])
    return tuple(found)


def _files(value: Any, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(file, str) for file in listed):
        raise WrongInputError(f"{name!r} is no file name and no list of file names.")
    return tuple(listed)


def _record_id(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > LONGEST_ID:
        raise WrongInputError(f"'id' is no text of up to {LONGEST_ID} characters and no number.")
    return str(value)


def _category(value: Any) -> str:
    if value is None:
        return categories.UNCATEGORIZED
    if not isinstance(value, str):
        raise WrongInputError("'category' is no text.")
    categories.check(value)
    return value


def _unknown(value: Mapping[str, Any]) -> Iterator[str]:
    yield from (key for key in value if key not in _KEYS | set(_UNSUPPORTED))
    inner = {key for message in value["messages"] for key in message} - _MESSAGE_KEYS
    yield from (f"messages.{key}" for key in sorted(inner))


def _check_placeholders(record: SwiftRecord) -> None:
    asked = "".join(text for role, text in record.messages if role == "user")
    for placeholder, files, name in (
        ("<image>", record.images, "images"),
        ("<video>", record.videos, "videos"),
    ):
        count = asked.count(placeholder)
        if count != len(files):
            raise WrongInputError(
                f"{placeholder} stands {count} times in the user's messages,"
                f" but {name!r} names {len(files)} files."
            )
    others = [text for role, text in record.messages if role != "user"]
    if any(has_placeholder(text) for text in [*others, record.chosen, record.rejected]):
        raise WrongInputError("<image> and <video> may stand in user messages only.")


def _pieces(role: str, text: str) -> list[str]:
    return _PLACEHOLDER.split(text) if role == "user" else [text]
