"""Reading references: a file of prompts, as for sampling, that also says what is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import json_lines, media, prompts, references
from storage.errors import WrongInputError
from storage.rows import Rejected
from storage.sampled_prompts import PromptReader
from storage.workspace import Workspace
from training.answers import prompts as asked


@dataclass(frozen=True)
class ReferenceReport:
    """What came of a file. Every line is in one of added, present, without, rejected.

    Attributes:
        added: prompts with a reference that was not known.
        present: prompts whose references were all known.
        without: lines that name no reference.
    """

    lines: int
    added: int
    present: int
    without: int
    rejected: Sequence[Rejected]


def import_file(
    workspace: Workspace, path: Path, pictures_root: Path | None = None
) -> ReferenceReport:
    """Record the references of a file: `"reference": text`, or a list of texts, on each line.

    Raises:
        NotFoundError: there is no such file.
        WrongInputError: a line is no prompt; nothing is recorded then.
    """
    found = asked.read(path, pictures_root or path.parent)
    told = {
        line.number: json_lines.parse_object(line).get("reference")
        for line in json_lines.read(path)
        if line.text
    }
    reader = PromptReader(path.parent, workspace.media)
    added = present = without = 0
    rejected: list[Rejected] = []
    for one in found:
        try:
            texts = _texts(told[one.line])
            if not texts:
                without += 1
                continue
            prompt = reader.prompt(one.as_json())
            with workspace.ledger.write() as tx:
                for shown in prompt.media:
                    media.add(tx, shown)
                prompts.add(tx, prompt.prompt)
                new = [references.add(tx, prompt.prompt.id, text, path.name) for text in texts]
        except WrongInputError as error:
            rejected.append(Rejected(one.line, error.what))
            continue
        added += any(new)
        present += not any(new)
    return ReferenceReport(len(found), added, present, without, tuple(rejected))


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise WrongInputError("'reference' is no text and no list of texts.")
    return texts
