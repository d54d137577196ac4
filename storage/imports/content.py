"""Prompts of other tools as messages: plain texts, conversations, pictures in every spelling."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from storage.errors import WrongInputError
from storage.imports.records import Message, Piece

_PLACEHOLDER = re.compile("(<image>|<video>)")
_DATA_URI = re.compile(r"data:[\w.+/-]{0,100};base64,(?P<data>.*)", re.DOTALL)
_ROLES = {"human": "user", "gpt": "assistant", "model": "assistant", "bot": "assistant"}
# transcripts of the "helpful and harmless" data: one text for a whole conversation
_SPEAKER = re.compile(r"\n\n(Human|Assistant): ?")


def question(text: str, media: Sequence[Piece] = (), system: str = "") -> tuple[Message, ...]:
    """A prompt of one text, after a system message if there is one."""
    asked = Message("user", _with_media([text], list(media)))
    return (Message("system", (Piece("text", system),)), asked) if system else (asked,)


def conversation(value: Any, media: Sequence[Piece] = ()) -> tuple[Message, ...]:
    """Messages `{role, content}` (or `{from, value}`), content a text or a list of parts.

    Pictures stand where a part or `<image>` says, else before the first text of the user, which is
    where TRL puts them.

    Raises:
        WrongInputError: these are no messages, or pictures and their places differ in number.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise WrongInputError("A conversation is no list of messages.")
    waiting = list(media)
    spoken = [_spoken(number, message) for number, message in enumerate(value, start=1)]
    marked = sum(_marks(content) for role, content in spoken if role == "user")
    found = []
    for role, content in spoken:
        if role != "user":
            found.append(Message(role, tuple(_plain(content))))
        elif marked:
            found.append(Message(role, tuple(_filled(content, waiting))))
        else:
            found.append(Message(role, (*waiting, *_plain(content))))
            waiting = []
    if waiting:
        raise WrongInputError(
            f"{len(waiting)} pictures or videos have no place in the messages."
            if not marked
            else f"{marked} places for {len(media)} pictures and videos in the messages."
        )
    return tuple(found)


def transcript(text: str) -> list[dict[str, str]] | None:
    """The messages of a text with `Human:` and `Assistant:` before each turn, or None."""
    pieces = _SPEAKER.split(text)
    if len(pieces) < 3 or pieces[0].strip():
        return None
    roles = {"Human": "user", "Assistant": "assistant"}
    return [
        {"role": roles[who], "content": said.strip()}
        for who, said in zip(pieces[1::2], pieces[2::2], strict=True)
    ]


def text_of(message: Mapping[str, Any] | Message) -> str:
    """The words of one message without media.

    Raises:
        WrongInputError: a part is no text.
    """
    if isinstance(message, Message):
        return "".join(piece.text for piece in message.pieces)
    content = _spoken(1, message)[1]
    return "".join(piece.text for piece in _plain(content))


def listed(value: Any, kind: str = "image") -> list[Piece]:
    """One picture (or video) or a list of them."""
    if value is None or value == "":
        return []
    values = value if isinstance(value, list | tuple) else [value]
    return [media(each, kind) for each in values if each is not None]


def media(value: Any, kind: str = "image") -> Piece:
    """A picture by name, address of Label Studio's local files, data URI, or as bytes with a path.

    Raises:
        WrongInputError: it is none of these.
    """
    if isinstance(value, Mapping):
        if isinstance(value.get("bytes"), bytes) and value["bytes"]:
            return Piece(kind, data=base64.b64encode(value["bytes"]).decode())
        value = value.get("path") or value.get("url")
    if isinstance(value, bytes):
        return Piece(kind, data=base64.b64encode(value).decode())
    if not isinstance(value, str) or not value:
        raise WrongInputError(f"A {kind} is neither a file name nor bytes.")
    if found := _DATA_URI.match(value):
        return Piece(kind, data=found["data"])
    address = urlsplit(value) if value.startswith("/data/local-files/") else None
    if address and (named := parse_qs(address.query).get("d")):
        return Piece(kind, file=named[0])
    return Piece(kind, file=value)


def _spoken(number: int, message: Any) -> tuple[str, Any]:
    if not isinstance(message, Mapping):
        raise WrongInputError(f"Message {number} is no object.")
    role = message.get("role") or message.get("from")
    content = message.get("content") if "content" in message else message.get("value")
    if not isinstance(role, str) or not isinstance(content, str | list | tuple):
        raise WrongInputError(f"Message {number} has no role, or its content is no text or list.")
    return _ROLES.get(role, role), content


def _marks(content: Any) -> int:
    if isinstance(content, str):
        return len(_PLACEHOLDER.findall(content))
    return sum(
        isinstance(part, Mapping) and part.get("type") in ("image", "video") for part in content
    )


def _plain(content: Any) -> Iterator[Piece]:
    for part in [content] if isinstance(content, str) else content:
        said = part.get("text") if isinstance(part, Mapping) else part
        if not isinstance(said, str):
            raise WrongInputError("A part of a message is no text.")
        yield Piece("text", said)


def _filled(content: Any, waiting: list[Piece]) -> Iterator[Piece]:
    if isinstance(content, str):
        yield from _with_media([content], waiting, whole=False)
        return
    for part in content:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind not in ("image", "video"):
            yield from _plain([part])
        elif (own := part.get(kind) or part.get("url") or part.get("path")) is not None:
            yield media(own, kind)
        else:
            yield _next(waiting, kind)


def _with_media(texts: list[str], waiting: list[Piece], whole: bool = True) -> tuple[Piece, ...]:
    """Texts with media at their placeholders, or in front when there is no placeholder.

    With `whole`, every medium must have found a place.
    """
    pieces = [piece for text in texts for piece in _PLACEHOLDER.split(text) if piece]
    if not any(_PLACEHOLDER.fullmatch(piece) for piece in pieces):
        front, waiting[:] = (list(waiting), []) if whole else ([], waiting)
        return (*front, *(Piece("text", piece) for piece in pieces))
    found = tuple(
        _next(waiting, piece.strip("<>")) if _PLACEHOLDER.fullmatch(piece) else Piece("text", piece)
        for piece in pieces
    )
    if whole and waiting:
        raise WrongInputError(f"{len(waiting)} more pictures or videos than places in the text.")
    return found


def _next(waiting: list[Piece], kind: str) -> Piece:
    if not waiting:
        raise WrongInputError(f"<{kind}> stands more often than the record names media.")
    piece = waiting.pop(0)
    if piece.type != kind:
        raise WrongInputError(f"<{kind}> stands where the record names a {piece.type}.")
    return piece
