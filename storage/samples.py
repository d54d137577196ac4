"""Sampled answers become pairs: what a sampling job wrote goes into a batch, without any label."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from storage import batches, identity, intake, json_lines, prompts, swift_records
from storage.errors import WrongInputError
from storage.intake import Comparison
from storage.ledger import Connection
from storage.media_files import MediaFolder
from storage.rows import Media, Part, Rejected, Source, Turn
from storage.workspace import Workspace

_CHUNK = 32
_KINDS = {"image": "picture", "video": "video"}


@dataclass(frozen=True)
class SampleReport:
    """What came of sampled answers. Every record is in one of added, present, identical, rejected.

    Attributes:
        records: lines that were not empty.
        added: pairs new to the batch.
        present: pairs that were in the batch already.
        identical: records whose two answers read the same; a choice between them says nothing.
    """

    batch: str
    records: int
    added: int
    present: int
    identical: int
    rejected: Sequence[Rejected]


def add_samples(workspace: Workspace, path: Path, *, batch: str, source: Source) -> SampleReport:
    """Add the pairs of a `samples.jsonl` to a batch, which is made when missing.

    A line: `{"prompt": {"category", "messages": [{"role", "content": [{"type", "text" or
    "path"}]}]}, "answers": [text, text], "sampling": {...}, "id"}`. Paths are absolute, or relative
    to the file's folder. The line's own `sampling` is recorded instead of that of `source`.

    Raises:
        WrongInputError: the file is missing, or the batch name cannot be used. What is wrong with
            single lines is reported, not raised.
    """
    batches.check_name(batch)
    if not path.is_file():
        raise WrongInputError(
            f"{path} is no file.", "A sampling job writes samples.jsonl into its folder."
        )
    # the job wrote these paths, so they may lead anywhere; only pictures and videos are taken
    reader = _Reader(path.parent.resolve(), MediaFolder(Path("/"), workspace.media), source)
    added = present = 0
    lines = json_lines.read(path)

    def write(tx: Connection, comparison: Comparison) -> bool:
        found = intake.find_or_create_batch(tx, batch)
        return intake.add(tx, found.id, comparison)

    while chunk := list(islice(lines, _CHUNK)):
        outcomes = intake.write_in_slices(workspace.ledger, reader.comparisons(chunk), write)
        added += sum(outcomes)
        present += len(outcomes) - sum(outcomes)
    return SampleReport(
        batch=batch,
        records=reader.records,
        added=added,
        present=present,
        identical=reader.identical,
        rejected=tuple(reader.rejected),
    )


@dataclass
class _Reader:
    """Checks lines and counts what it leaves out."""

    folder: Path
    media: MediaFolder
    source: Source
    records: int = 0
    identical: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def comparisons(self, lines: Sequence[json_lines.Line]) -> list[Comparison]:
        """The comparisons of the good lines."""
        found = []
        for line in lines:
            if not line.text and not line.problem:
                continue
            self.records += 1
            try:
                comparison = self._comparison(line.number, json_lines.parse_object(line))
            except WrongInputError as problem:
                self.rejected.append(Rejected(line.number, str(problem)))
                continue
            if identity.same_answer(*comparison.answers):
                self.identical += 1
            else:
                found.append(comparison)
        return found

    def _comparison(self, line: int, value: Mapping[str, Any]) -> Comparison:
        prompt, answers, sampling = (value.get(k) for k in ("prompt", "answers", "sampling"))
        if not isinstance(prompt, dict) or not isinstance(prompt.get("messages"), list):
            raise WrongInputError("The prompt is missing, or has no 'messages'.")
        if not isinstance(answers, list) or len(answers) != 2:
            raise WrongInputError("'answers' is no list of two texts.")
        shown: dict[str, Media] = {}
        turns = [self._turn(message, shown) for message in prompt["messages"]]
        swift_records.check_roles([turn.role for turn in turns])
        is_mapping = isinstance(sampling, dict)
        category = prompt.get("category")
        return Comparison(
            line=line,
            record_id=str(value.get("id") or ""),
            prompt=prompts.build(turns, str(category) if category else prompts.UNCATEGORIZED),
            media=tuple(shown.values()),
            answers=(_answer(answers[0]), _answer(answers[1])),
            source=replace(self.source, sampling=sampling) if is_mapping else self.source,
        )

    def _turn(self, message: Any, shown: dict[str, Media]) -> Turn:
        if not isinstance(message, dict) or not isinstance(message.get("content"), list):
            raise WrongInputError("A message is no object with a list as 'content'.")
        parts = tuple(self._part(part, shown) for part in message["content"])
        if not any(part.media or part.text.strip() for part in parts):
            raise WrongInputError("A message is empty.")
        return Turn(str(message.get("role")), parts)

    def _part(self, part: Any, shown: dict[str, Media]) -> Part:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            return Part("text", text=_without_placeholder(part["text"]))
        if kind not in _KINDS or not isinstance(part.get("path"), str):
            raise WrongInputError("A part is neither a text nor an image or video with a 'path'.")
        media = self.media.normalized(os.path.normpath(self.folder / part["path"]), _KINDS[kind])
        shown[media.id] = media
        return Part(kind, media=media.id)


def _answer(value: Any) -> str:
    return _without_placeholder(swift_records.check_text(value, "answer"))


def _without_placeholder(text: str) -> str:
    if swift_records.has_placeholder(text):
        raise WrongInputError("A text contains <image> or <video>, which stand for media.")
    return text
