"""Preference data as trainers read it: TRL with message lists or an implicit prompt, and triples.

The prompt is implicit where `chosen` and `rejected` begin alike: what they share is the prompt, by
the rule of TRL's `extract_prompt`. Such data names no judge, so it gives labels and no votes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from storage.errors import WrongInputError
from storage.imports import columns, content, forms
from storage.imports.forms import Format, Reading, Sample
from storage.imports.records import FIRST, Opinion, Piece, Record

TRL, TRIPLES = "trl", "triples"
_KNOWN = {"prompt", "chosen", "rejected", "images", "image", "videos", "system", "id", "category"}
_OURS = {"pair_id"}


def recognise_triples(rows: Sample) -> str:
    """Why rows are three plain texts."""
    names = ("prompt", "chosen", "rejected")
    if all(all(isinstance(row.get(name), str) for name in names) for row in rows):
        return "'prompt', 'chosen' and 'rejected' are plain texts in every record"
    return ""


def recognise_trl(rows: Sample) -> str:
    """Why rows are message lists, or texts with an implicit prompt."""
    both = ("chosen", "rejected")
    if all(all(isinstance(row.get(name), list) for name in both) for row in rows):
        return "'chosen' and 'rejected' are lists of messages in every record"
    is_text = all(all(isinstance(row.get(name), str) for name in both) for row in rows)
    if is_text and not any(row.get("prompt") for row in rows):
        return "'chosen' and 'rejected' are texts that begin with the prompt"
    return ""


def triple(row: Mapping[str, Any], reading: Reading) -> Iterator[Record]:
    """The pair of three texts; `<image>` says where pictures stand, which come first without it."""
    texts = [row.get(name) for name in ("prompt", "chosen", "rejected")]
    prompt, chosen, rejected = (
        _text(text, name)
        for text, name in zip(texts, ("prompt", "chosen", "rejected"), strict=True)
    )
    system = _text(row["system"], "system") if row.get("system") else ""
    messages = content.question(prompt, _shown(row), system)
    yield _record(row, messages, (chosen, rejected), reading)


def conversational(row: Mapping[str, Any], reading: Reading) -> Iterator[Record]:
    """The pair of message lists, or of texts with an implicit prompt."""
    prompt, chosen, rejected = (row.get(name) for name in ("prompt", "chosen", "rejected"))
    if isinstance(chosen, str) and isinstance(rejected, str):
        one, other = content.transcript(chosen), content.transcript(rejected)
        if one is None or other is None:
            shared = _shared_text(chosen, rejected)
            messages = content.question(shared, _shown(row))
            rest = (chosen[len(shared) :], rejected[len(shared) :])
            yield _record(row, messages, rest, reading)
            return
        chosen, rejected = one, other
    if not (isinstance(chosen, list) and isinstance(rejected, list)):
        raise WrongInputError("'chosen' and 'rejected' are neither two texts nor two lists.")
    before = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt or []
    if not isinstance(before, list):
        raise WrongInputError("'prompt' is no text and no list of messages.")
    if before and chosen[: len(before)] == before == rejected[: len(before)]:
        before = []
    asked, answers = _split([*before, *chosen], [*before, *rejected])
    if isinstance(row.get("system"), str) and row["system"] and asked[0].get("role") != "system":
        asked = [{"role": "system", "content": row["system"]}, *asked]
    yield _record(row, content.conversation(asked, _shown(row)), answers, reading)


def _split(one: list[Any], other: list[Any]) -> tuple[list[Any], tuple[str, str]]:
    """What two conversations share, and the one answer of each after that."""
    if one[:-1] != other[:-1]:
        raise WrongInputError(
            "The chosen and the rejected conversation differ before their last message."
        )
    if len(one) < 2:
        raise WrongInputError("There is no prompt before the answers.")
    for message in (one[-1], other[-1]):
        role = message.get("role") or message.get("from") if isinstance(message, Mapping) else None
        if role not in ("assistant", "gpt"):
            raise WrongInputError(f"An answer has the role {str(role)[:40]!r}, not 'assistant'.")
    return one[:-1], (content.text_of(one[-1]), content.text_of(other[-1]))


def _shared_text(one: str, other: str) -> str:
    """The longest common beginning; a space before the answers belongs to them."""
    alike = zip(one, other, strict=False)
    length = next((at for at, (mine, its) in enumerate(alike) if mine != its), len(one))
    shared = one[: min(length, len(other))]
    shared = shared[:-1] if shared.endswith(" ") else shared
    if not shared.strip():
        raise WrongInputError(
            "There is no 'prompt', and 'chosen' and 'rejected' begin differently."
        )
    return shared


def _record(
    row: Mapping[str, Any], messages: Any, answers: tuple[str, str], reading: Reading
) -> Record:
    for key in row.keys() - _KNOWN - _OURS:
        reading.notes[f"Key {key[:60]!r} is unknown and was not kept"] += 1
    return Record(
        messages=messages,
        answers=answers,
        # the files name nobody: whoever imports says whose labels these are
        opinions=(Opinion("", FIRST),),
        record_id=forms.as_id(row.get("id")),
        category=columns.category(row.get("category")),
    )


def _shown(row: Mapping[str, Any]) -> list[Piece]:
    pictures = row.get("images") if row.get("images") is not None else row.get("image")
    return [*content.listed(pictures), *content.listed(row.get("videos"), "video")]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise WrongInputError(f"The {name} is missing, empty or no text.")
    return value


FORMATS = (
    Format(
        TRL,
        "message lists as TRL reads them, with or without a prompt of their own, pictures within",
        recognise_trl,
        conversational,
    ),
    Format(
        TRIPLES,
        "prompt, chosen and rejected as plain texts (TRL's standard form), images by name",
        recognise_triples,
        triple,
    ),
)
