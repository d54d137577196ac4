"""Scale GenAI v2 tasks: threads of turns, two assistant messages each, and which was selected.

The documented payload names no contributor, so all judgements are those of one judge, `scale`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storage.errors import WrongInputError
from storage.imports import columns, content, forms
from storage.imports.forms import Format, Reading, Sample
from storage.imports.records import FIRST, LONGEST_NOTE, SECOND, Message, Opinion, Piece, Record

NAME = "scale"


def recognise(rows: Sample) -> str:
    """Why rows are tasks of Scale."""
    if all("task_id" in row and isinstance(row.get("threads"), list) for row in rows):
        return "every record has 'task_id' and 'threads'"
    return ""


def records(task: Mapping[str, Any], reading: Reading) -> Iterator[Record]:
    """The pairs of a task: one for each turn that two messages of the assistant answer."""
    status = task.get("status")
    if status != "completed":
        raise WrongInputError(f"The task is {str(status)[:40]!r}, not completed.")
    if not task.get("threads"):
        raise WrongInputError("The task has no threads.")
    for thread in _mappings(task, "threads"):
        before: list[Message] = []
        for turn in _mappings(thread, "turns"):
            asked, answers = _split(turn)
            messages = (*before, *asked)
            if len(answers) == 2:
                yield _record(task, turn, messages, answers, reading)
            elif len(answers) > 2:
                raise WrongInputError(f"A turn has {len(answers)} answers, expected one or two.")
            if (follows := _followed(turn, answers)) is None:
                break
            before = [*messages, Message("assistant", (Piece("text", follows),))]


def _record(
    task: Mapping[str, Any],
    turn: Mapping[str, Any],
    messages: tuple[Message, ...],
    answers: Sequence[Mapping[str, Any]],
    reading: Reading,
) -> Record:
    names = [str(each.get("source_id") or "") for each in answers]
    selected = _annotation(turn, "selected_model_id")
    opinions: tuple[Opinion, ...] = ()
    if selected is None:
        reading.notes["Turns without a selected answer"] += 1
    elif names.count(str(selected)) != 1:
        raise WrongInputError(
            f"The selected answer is {str(selected)[:60]!r}, but the answers come from "
            f"{' and '.join(repr(name[:60]) for name in names)}."
        )
    else:
        choice = (FIRST, SECOND)[names.index(str(selected))]
        note = str(_annotation(turn, "justification") or "")[:LONGEST_NOTE]
        opinions = (Opinion(NAME, choice, note, forms.micros(task.get("completed_at"))),)
    metadata = task.get("metadata")
    return Record(
        messages=messages,
        answers=(_text(answers[0]), _text(answers[1])),
        opinions=opinions,
        record_id=forms.as_id(task.get("task_id")),
        category=columns.category(
            metadata.get("category") if isinstance(metadata, Mapping) else None
        ),
        models=(names[0][:200], names[1][:200]),
    )


def _split(turn: Mapping[str, Any]) -> tuple[list[Message], list[Mapping[str, Any]]]:
    """What a turn asks, and the messages that answer it."""
    asked, answers = [], []
    for message in _mappings(turn, "messages"):
        if message.get("role") == "assistant":
            answers.append(message)
            continue
        shown = _attachments(message)
        asked.append(Message(str(message.get("role")), (*shown, Piece("text", _text(message)))))
    return asked, answers


def _attachments(message: Mapping[str, Any]) -> list[Piece]:
    """Pictures and videos by the name of their file: addresses are not fetched."""
    found = []
    for each in _mappings(_content(message), "attachments"):
        kind = "video" if str(each.get("mime_type")).startswith("video/") else "image"
        found.append(content.media(each.get("name") or each.get("url"), kind))
    return found


def _followed(turn: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> str | None:
    """The answer that the conversation went on with, None when it cannot be known."""
    if len(answers) == 1:
        return _text(answers[0])
    selected = _annotation(turn, "selected_model_id")
    return next((_text(each) for each in answers if each.get("source_id") == selected), None)


def _annotation(turn: Mapping[str, Any], key: str) -> Any:
    return next(
        (a.get("value") for a in _mappings(turn, "annotations") if a.get("key") == key), None
    )


def _content(message: Mapping[str, Any]) -> Mapping[str, Any]:
    found = message.get("content")
    return found if isinstance(found, Mapping) else {"text": found}


def _text(message: Mapping[str, Any]) -> str:
    text = _content(message).get("text")
    if not isinstance(text, str):
        raise WrongInputError("A message has no text.")
    return text


def _mappings(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    given = value.get(key)
    return [each for each in given or [] if isinstance(each, Mapping)] if given else []


FORMATS = (
    Format(
        NAME, "tasks of Scale GenAI v2, with threads and turns", recognise, records, judges=True
    ),
)
