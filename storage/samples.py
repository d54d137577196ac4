"""Sampled answers become pairs: what a sampling job wrote goes into a batch, without any label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from storage import batches, identity, intake, json_lines, pairing, sampled_prompts, swift_records
from storage.errors import WrongInputError
from storage.intake import Comparison
from storage.ledger import Connection
from storage.rows import Rejected, Source
from storage.sampled_prompts import PromptReader
from storage.workspace import Workspace

_CHUNK = 32


@dataclass(frozen=True)
class SampleReport:
    """What came of sampled answers. Every pair is in one of added, present, identical, alike.

    Attributes:
        records: lines that were not empty; those in `rejected` made no pair.
        added: pairs new to the batch.
        present: pairs that were in the batch already.
        identical: pairs whose answers read the same; a choice between them says nothing.
        alike: pairs refused because their answers differ by less than was asked for.
    """

    batch: str
    records: int
    added: int
    present: int
    identical: int
    rejected: Sequence[Rejected]
    alike: int = 0


def add_samples(
    workspace: Workspace,
    path: Path,
    *,
    batch: str,
    source: Source,
    reader: PromptReader | None = None,
    pairs_per_prompt: int = 1,
    min_difference: float = 0.0,
) -> SampleReport:
    """Add the pairs of a `samples.jsonl` to a batch, which is made when missing.

    A line: `{"prompt": {"category", "messages": [{"role", "content": [{"type", "text" or
    "path"}]}]}, "answers": [text, text, ...], "by": [name, name, ...], "sampling": {...}, "id"}`.
    Paths are absolute, or relative to the file's folder. The line's own `sampling` is recorded
    instead of that of `source`. `by`, where it stands, names who gave each answer: then only
    answers of different ones are compared. Of one's own answers at most `pairs_per_prompt` pairs
    are made, none of them with a difference (0 to 1) below `min_difference`.
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
    checks = _Reader(prompts, source, pairs_per_prompt, min_difference)
    added, present = _write(workspace, batch, checks, json_lines.read(path))
    return SampleReport(
        batch=batch,
        records=checks.records,
        added=added,
        present=present,
        identical=checks.identical,
        rejected=tuple(checks.rejected),
        alike=checks.alike,
    )


def _write(
    workspace: Workspace, batch: str, checks: _Reader, lines: Iterator[json_lines.Line]
) -> tuple[int, int]:
    """Put the pairs of good lines into the batch: how many are new there, and how many not."""
    added = present = 0

    def write(tx: Connection, comparison: Comparison) -> bool:
        found = intake.find_or_create_batch(tx, batch)
        return intake.add(tx, found.id, comparison)

    while chunk := list(islice(lines, _CHUNK)):
        outcomes = intake.write_in_slices(workspace.ledger, checks.comparisons(chunk), write)
        added += sum(outcomes)
        present += len(outcomes) - sum(outcomes)
    return added, present


@dataclass
class _Reader:
    """Checks lines and counts what it leaves out."""

    prompts: PromptReader
    source: Source
    most: int
    least: float
    records: int = 0
    identical: int = 0
    alike: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def comparisons(self, lines: Sequence[json_lines.Line]) -> list[Comparison]:
        """The comparisons of the good lines."""
        found: list[Comparison] = []
        for line in lines:
            if not line.text and not line.problem:
                continue
            self.records += 1
            try:
                made = self._of_line(line.number, json_lines.parse_object(line))
            except WrongInputError as problem:
                self.rejected.append(Rejected(line.number, str(problem)))
                continue
            found += [one for one in made if self._differs(*one.answers)]
        return found

    def _differs(self, one: str, other: str) -> bool:
        if identity.same_answer(one, other):
            self.identical += 1
            return False
        if self.least and pairing.difference(one, other) < self.least:
            self.alike += 1
            return False
        return True

    def _of_line(self, line: int, value: Mapping[str, Any]) -> list[Comparison]:
        asked = self.prompts.prompt(value.get("prompt"))
        given, sampling = value.get("answers"), value.get("sampling")
        if not isinstance(given, list) or len(given) < 2:
            raise WrongInputError("'answers' is no list of two texts or more.")
        answers = [_answer(text) for text in given]
        by = _by(value.get("by"), len(answers))
        source = (
            replace(self.source, sampling=sampling) if isinstance(sampling, dict) else self.source
        )
        sources = [replace(source, name=name) if name else source for name in by]
        return [
            Comparison(
                line=line,
                record_id=str(value.get("id") or ""),
                prompt=asked.prompt,
                media=asked.media,
                answers=(answers[one], answers[other]),
                source=(sources[one], sources[other]),
            )
            for one, other in pairing.pairings(answers, by, self.most)
        ]


def _by(value: Any, count: int) -> list[str]:
    """Who gave each of the answers; empty names where the line does not say."""
    if value is None:
        return [""] * count
    if (
        not isinstance(value, list)
        or len(value) != count
        or not all(isinstance(name, str) and name for name in value)
    ):
        raise WrongInputError("'by' does not name who gave each answer.")
    return value


def _answer(value: Any) -> str:
    return sampled_prompts.without_placeholder(swift_records.check_text(value, "answer"))
