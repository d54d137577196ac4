"""The prompts of a sampling job as its `samples.jsonl` holds them: messages, media by path."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import categories, prompts, swift_records
from storage.errors import WrongInputError
from storage.media import MediaStore
from storage.media_files import MediaFolder
from storage.rows import Media, Part, Prompt, Turn

_KINDS = {"image": "picture", "video": "video"}


@dataclass(frozen=True)
class AnsweredPrompt:
    """A prompt that a model answered, and what it shows."""

    prompt: Prompt
    media: tuple[Media, ...]


class PromptReader:
    """Reads prompts and brings what they show into the media store.

    Paths are absolute, or relative to `folder`. The job wrote them, so they may lead anywhere; only
    pictures and videos are taken.
    """

    def __init__(self, folder: Path, media: MediaStore) -> None:
        self._folder = folder.resolve()
        self._media = MediaFolder(Path("/"), media)

    def prompt(self, value: Any) -> AnsweredPrompt:
        """The prompt of `{"category", "messages": [{"role", "content": [{"type", ...}]}]}`.

        Raises:
            WrongInputError: something is missing or of the wrong kind, or a file cannot be used.
        """
        if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
            raise WrongInputError("The prompt is missing, or has no 'messages'.")
        shown: dict[str, Media] = {}
        turns = [self._turn(message, shown) for message in value["messages"]]
        swift_records.check_roles([turn.role for turn in turns])
        category = value.get("category")
        name = str(category) if category else categories.UNCATEGORIZED
        return AnsweredPrompt(prompts.build(turns, name), tuple(shown.values()))

    def _turn(self, message: Any, shown: dict[str, Media]) -> Turn:
        if not isinstance(message, dict) or not isinstance(message.get("content"), list):
            raise WrongInputError("A message is no object with a list as 'content'.")
        parts = tuple(self._part(part, shown) for part in message["content"])
        if not any(part.media or part.text.strip() for part in parts):
            raise WrongInputError("A message is empty.")
        return Turn(str(message.get("role")), parts)

    def _part(self, part: Any, shown: dict[str, Media]) -> Part:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "text" and isinstance(part.get("text"), str):
            return Part("text", text=without_placeholder(part["text"]))
        if kind not in _KINDS or not isinstance(part.get("path"), str):
            raise WrongInputError("A part is neither a text nor an image or video with a 'path'.")
        media = self._media.normalized(os.path.normpath(self._folder / part["path"]), _KINDS[kind])
        shown[media.id] = media
        return Part(kind, media=media.id)


def without_placeholder(text: str) -> str:
    """The text. Raises WrongInputError when it holds `<image>` or `<video>`."""
    if swift_records.has_placeholder(text):
        raise WrongInputError("A text contains <image> or <video>, which stand for media.")
    return text
