"""Prompts to sample answers for: JSON lines of messages with the files of what they show.

A line is `{"messages": [{"role", "content"}], "images": [path, ...], "videos": [path, ...],
"category", "id"}`. `<image>` in a user turn stands for the next picture, `<video>` for the next
video, whose path leads to a file below the pictures' root.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import json_lines, swift_records
from storage.errors import NotFoundError, WrongInputError
from storage.media_files import MediaFolder
from storage.rows import Part, Turn


@dataclass(frozen=True)
class AskedPrompt:
    """A prompt and where it stands in its file.

    Attributes:
        line: number in the file, from 1.
        id: the record's own id; `line-N` when it has none.
        turns: parts of pictures and videos hold the absolute path of the file in `media`.
    """

    line: int
    id: str
    category: str
    turns: tuple[Turn, ...]

    def as_json(self) -> dict[str, Any]:
        """`category` and `messages` whose parts are `{type, text}` or `{type, path}`."""
        messages = [
            {"role": turn.role, "content": [_part_json(part) for part in turn.parts]}
            for turn in self.turns
        ]
        return {"category": self.category, "messages": messages}


def read(path: Path, root: Path) -> list[AskedPrompt]:
    """All prompts of a file, with pictures and videos below `root`.

    Raises NotFoundError when there is no such file, and WrongInputError naming the first line that
    cannot be used: a job is refused whole rather than half done.
    """
    if not path.is_file():
        raise NotFoundError(f"There is no file of prompts at {path}.", "Check the path.")
    files = MediaFolder(root, None)
    found: list[AskedPrompt] = []
    for line in json_lines.read(path):
        if not line.text and not line.problem:
            continue
        try:
            found.append(_prompt(line.number, json_lines.parse_object(line), files))
        except WrongInputError as error:
            raise WrongInputError(
                f"Line {line.number} of {path.name}: {error.what}",
                error.next_step or "Correct or remove the line.",
            ) from error
    if not found:
        raise WrongInputError(f"{path} holds no prompts.", "Give a file with one JSON per line.")
    return found


def _prompt(number: int, record: Mapping[str, Any], files: MediaFolder) -> AskedPrompt:
    messages = _messages(record.get("messages"))
    asked = "".join(text for role, text in messages if role == "user")
    images, videos = (_paths(record, name, asked, files) for name in ("images", "videos"))
    turns = swift_records.turns(messages, images, videos)
    name = str(record.get("id") or f"line-{number}")
    return AskedPrompt(number, name, str(record.get("category") or ""), turns)


def _paths(record: Mapping[str, Any], name: str, asked: str, files: MediaFolder) -> list[str]:
    """The files that `images` or `videos` names, one for each place in what the user asked."""
    named = record.get(name) or []
    if not isinstance(named, list):
        raise WrongInputError(f"{name!r} is no list of file names.")
    place = f"<{name.removesuffix('s')}>"
    if asked.count(place) != len(named):
        raise WrongInputError(
            f"{place} stands {asked.count(place)} times in the user's messages, but {name!r} "
            f"names {len(named)} files."
        )
    return [str(files.find(str(one))) for one in named]


def _messages(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise WrongInputError("'messages' is missing or no list of messages.")
    swift_records.check_roles([str(one.get("role")) for one in value])
    return [
        (str(one["role"]), swift_records.check_text(one.get("content"), f"content of message {at}"))
        for at, one in enumerate(value, start=1)
    ]


def _part_json(part: Part) -> dict[str, str]:
    if part.type == "text":
        return {"type": "text", "text": part.text}
    return {"type": part.type, "path": part.media}
