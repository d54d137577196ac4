"""Rows as message lists and as plain texts, and why a row cannot become one."""

from __future__ import annotations

from typing import Any

from storage import swift_records
from storage.rows import DatasetRow, Part, Turn

HAS_VIDEO = "has a video"
SEVERAL_PICTURES = "has several pictures"
SEVERAL_TURNS = "has several turns or a system message"


def has_video(row: DatasetRow) -> str | None:
    """Why the row is left out where only pictures can stand; None when it is not."""
    parts = [part for turn in row.prompt.turns for part in turn.parts]
    return HAS_VIDEO if any(part.type == "video" for part in parts) else None


def is_not_plain(row: DatasetRow) -> str | None:
    """Why the prompt is not one question with pictures; None when it is."""
    return has_video(row) or (SEVERAL_TURNS if len(row.prompt.turns) != 1 else None)


def has_more_than_one_picture(row: DatasetRow) -> str | None:
    """Why the row is left out where one question shows at most one picture; None when it is not."""
    return is_not_plain(row) or (SEVERAL_PICTURES if len(row.prompt.media) > 1 else None)


def has_picture(row: DatasetRow) -> bool:
    """Whether the prompt shows any picture or video."""
    return bool(row.prompt.media)


def as_messages(row: DatasetRow) -> dict[str, Any]:
    """`prompt`, `chosen` and `rejected` as message lists whose contents are lists of parts.

    A part is `{"type": "image"}` where a picture stands, else `{"type": "text", "text": ...}`.
    """
    return {
        "prompt": [_message(turn) for turn in row.prompt.turns],
        "chosen": [_answer(row.chosen)],
        "rejected": [_answer(row.rejected)],
    }


def as_texts(row: DatasetRow) -> dict[str, str]:
    """`prompt`, `chosen` and `rejected` as texts; `<image>` stands where a picture stands."""
    return {
        "prompt": swift_records.content(row.prompt.turns[0]),
        "chosen": row.chosen,
        "rejected": row.rejected,
    }


def question_of(row: DatasetRow) -> str:
    """The one question of a prompt whose picture is shown apart from it.

    `<image>` stands where the picture does, unless that is in front, where importing puts it.
    """
    return as_texts(row)["prompt"].removeprefix("<image>")


def _message(turn: Turn) -> dict[str, Any]:
    return {"role": turn.role, "content": [_part(part) for part in turn.parts]}


def _part(part: Part) -> dict[str, str]:
    return {"type": "image"} if part.type == "image" else {"type": "text", "text": part.text}


def _answer(text: str) -> dict[str, Any]:
    return _message(Turn("assistant", (Part("text", text),)))
