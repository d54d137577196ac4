"""Identity is content: ids of prompts, responses and pairs are SHA-256 of what they say.

The same file imported twice adds nothing, on any machine. A category is an attribute of a
prompt, no part of its identity.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from storage.rows import Pair, Part, Turn


def canonical_json(value: Any) -> bytes:
    """The one spelling of a JSON value: sorted keys, no spaces, UTF-8, no NaN.

    Raises:
        ValueError: the value holds NaN, an infinity or half of a surrogate pair.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def picture_id(width: int, height: int, rgb: bytes) -> str:
    """The id of a picture: SHA-256 over its size in pixels and its RGB bytes, row by row."""
    pixels = hashlib.sha256(f"{width}x{height}".encode())
    pixels.update(rgb)
    return pixels.hexdigest()


def messages_of(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Turns as the JSON that is hashed and stored: role and parts, each part with its one value."""
    return [{"role": turn.role, "parts": [_part(part) for part in turn.parts]} for turn in turns]


def prompt_id(turns: Sequence[Turn]) -> str:
    """The id of a prompt, from its roles, texts and media in order."""
    return digest({"prompt": messages_of(turns)})


def response_id(prompt: str, text: str) -> str:
    """The id of an answer to the prompt with this id. The text counts byte for byte."""
    return digest({"prompt": prompt, "response": text})


def pair_of(prompt: str, response_x: str, response_y: str) -> Pair:
    """The pair of two response ids in canonical orientation, whichever comes first here.

    Which one is `a` is drawn from a hash of the pair's id, so it says nothing of the source.

    Raises:
        ValueError: both ids are the same response.
    """
    if response_x == response_y:
        raise ValueError("A pair needs two different responses.")
    first, second = sorted((response_x, response_y))
    pair = digest({"prompt": prompt, "responses": [first, second]})
    if int(digest({"orientation": pair}), 16) % 2:
        first, second = second, first
    return Pair(id=pair, prompt_id=prompt, response_a=first, response_b=second)


def batch_id(name: str) -> str:
    """The id of the batch with this name."""
    return digest({"batch": name})


def batch_position(batch: str, pair: str) -> str:
    """Where a pair stands in a batch: the order of these hashes says nothing of the source."""
    return digest({"batch": batch, "position_of": pair})


def same_answer(text: str, other: str) -> bool:
    """Whether two answers read the same: equal after NFC, all whitespace runs one space."""
    return plain(text) == plain(other)


def plain(text: str) -> str:
    """The text in NFC with every run of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _part(part: Part) -> dict[str, str]:
    if part.type == "text":
        return {"type": "text", "text": part.text}
    return {"type": part.type, "media": part.media}
