"""Sampled answers become pairs: what a sampling job wrote goes into a batch, without any label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from storage import batches, identity, intake, json_lines, sampled_prompts, swift_records
from storage.errors import WrongInputError
from storage.intake import Comparison
from storage.ledger import Connection
from storage.rows import Rejected, Source
from storage.sampled_prompts import PromptReader
from storage.workspace import Workspace

_CHUNK = 32


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


def add_samples(
    workspace: Workspace,
    path: Path,
    *,
    batch: str,
    source: Source,
    reader: PromptReader | None = None,
) -> SampleReport:
    """Add the pairs of a `samples.jsonl` to a batch, which is made when missing.

    A line: `{"prompt": {"category", "messages": [{"role", "content": [{"type", "text" or
    "path"}]}]}, "answers": [text, text], "sampling": {...}, "id"}`. Paths are absolute, or relative
    to the file's folder. The line's own `sampling` is recorded instead of that of `source`.
    A `reader` that has read the same prompts before need not read their pictures again.

    Raises:
        WrongInputError: the file is missing, or the batch name cannot be used. What is wrong with
            single lines is reported, not raised.
    """
    batches.check_name(batch)
    if not path.is_file():
        raise WrongInputError(
            f"{path} is no file.", "A sampling job writes samples.jsonl into its folder."
        )
    prompts = reader or PromptReader(path.parent, workspace.media)
    checks = _Reader(prompts, source)
    added = present = 0
    lines = json_lines.read(path)

    def write(tx: Connection, comparison: Comparison) -> bool:
        found = intake.find_or_create_batch(tx, batch)
        return intake.add(tx, found.id, comparison)

    while chunk := list(islice(lines, _CHUNK)):
        outcomes = intake.write_in_slices(workspace.ledger, checks.comparisons(chunk), write)
        added += sum(outcomes)
        present += len(outcomes) - sum(outcomes)
    return SampleReport(
        batch=batch,
        records=checks.records,
        added=added,
        present=present,
        identical=checks.identical,
        rejected=tuple(checks.rejected),
    )


@dataclass
class _Reader:
    """Checks lines and counts what it leaves out."""

    prompts: PromptReader
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
        asked = self.prompts.prompt(prompt)
        if not isinstance(answers, list) or len(answers) != 2:
            raise WrongInputError("'answers' is no list of two texts.")
        is_mapping = isinstance(sampling, dict)
        return Comparison(
            line=line,
            record_id=str(value.get("id") or ""),
            prompt=asked.prompt,
            media=asked.media,
            answers=(_answer(answers[0]), _answer(answers[1])),
            source=replace(self.source, sampling=sampling) if is_mapping else self.source,
        )


def _answer(value: Any) -> str:
    return sampled_prompts.without_placeholder(swift_records.check_text(value, "answer"))
