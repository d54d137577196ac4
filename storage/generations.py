"""Generations: the answers that a model gave to prompts, sealed to compare one model with another.

A segment holds the answers of one sampling job; `low` and `high` are the job's id. The prompts and
what they show are recorded in the ledger, also where no pair came of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage import intake, json_lines, media, prompts, segments
from storage.errors import WrongInputError
from storage.ledger import Connection
from storage.sampled_prompts import AnsweredPrompt, PromptReader
from storage.segments import Segment, SegmentKind
from storage.workspace import Workspace

if TYPE_CHECKING:
    import polars

# columns of one answer per prompt
COLUMNS = ("prompt_id", "category", "text", "temperature", "job")


@dataclass(frozen=True)
class Drawn:
    """How the answers of a job were drawn, the same for all of them.

    Attributes:
        checkpoint: id of the checkpoint, or the name of a bare model; where several answered the
            same prompts, each line says itself who gave which answer.
        temperature: 0 is the greedy answer.
        at: when the job was submitted, microseconds UTC.
    """

    job: str
    checkpoint: str
    temperature: float
    seed: int
    at: int


@dataclass(frozen=True)
class Kept:
    """What came of it. `left_out` counts lines that could not be used."""

    segment: Segment | None
    left_out: int


def seal(
    workspace: Workspace, path: Path, drawn: Drawn, reader: PromptReader | None = None
) -> Kept:
    """Seal the `samples.jsonl` of a job. Again is the same segment.

    Columns beside those of Drawn: prompt_id, category, answer (number, from 0), text.
    """
    reader = reader or PromptReader(path.parent, workspace.media)
    asked: list[AnsweredPrompt] = []
    rows: list[dict[str, Any]] = []
    left_out = 0
    for line in json_lines.read(path):
        if not line.text and not line.problem:
            continue
        try:
            value = json_lines.parse_object(line)
            found, answers = reader.prompt(value.get("prompt")), _answers(value)
            rows += _rows(found, answers, value.get("by"), drawn.checkpoint)
        except WrongInputError:
            left_out += 1
            continue
        asked.append(found)
    intake.write_in_slices(workspace.ledger, asked, _record)
    if not rows:
        return Kept(None, left_out)
    frame = _frame(rows, drawn)
    made = segments.seal(workspace, SegmentKind.GENERATIONS, frame, drawn.job, drawn.job)
    return Kept(made, left_out)


def sources(workspace: Workspace) -> Mapping[str, int]:
    """Checkpoint id (or name of a bare model) -> number of prompts that it has answered."""
    from storage import analytics

    found = analytics.open(workspace).read(
        SegmentKind.GENERATIONS, columns=("checkpoint", "prompt_id")
    )
    if found.is_empty():
        return {}
    counted = found.unique().group_by("checkpoint").len().sort("checkpoint")
    return dict(counted.iter_rows())


def of_source(workspace: Workspace, checkpoint: str) -> polars.DataFrame:
    """One answer per prompt: the greedy one (temperature 0) where there is one, of the newest job.

    Columns: prompt_id, category, text, temperature, job; sorted by prompt_id. Empty, with these
    columns, when it has answered nothing.
    """
    import polars as pl

    from storage import analytics

    found = analytics.open(workspace).read(SegmentKind.GENERATIONS, checkpoint=checkpoint)
    if found.is_empty():
        kinds = {**dict.fromkeys(COLUMNS, pl.String), "temperature": pl.Float64}
        return pl.DataFrame(schema=kinds)
    return (
        found.sort(pl.col("temperature") > 0, -pl.col("at"), "job", "answer")
        .unique("prompt_id", keep="first", maintain_order=True)
        .sort("prompt_id")
        .select(COLUMNS)
    )


def answers_to(workspace: Workspace, prompt_id: str) -> polars.DataFrame:
    """Every answer to one prompt, as sealed, the oldest job first."""
    from storage import analytics

    found = analytics.open(workspace).read(SegmentKind.GENERATIONS, prompt_id=prompt_id)
    return found if found.is_empty() else found.sort("at", "job", "answer")


def _answers(value: Mapping[str, Any]) -> Sequence[str]:
    answers = value.get("answers")
    if not isinstance(answers, list) or not all(isinstance(text, str) for text in answers):
        raise WrongInputError("'answers' is no list of texts.")
    return answers


def _rows(
    found: AnsweredPrompt, answers: Sequence[str], by: Any, alone: str
) -> list[dict[str, Any]]:
    """A row per answer, numbered for each of those who gave them."""
    about = {"prompt_id": found.prompt.id, "category": found.prompt.category}
    names = [str(name) for name in by] if isinstance(by, list) else [alone] * len(answers)
    if len(names) != len(answers):
        raise WrongInputError("'by' does not name who gave each answer.")
    numbers: Counter[str] = Counter()
    rows = []
    for name, text in zip(names, answers, strict=True):
        rows.append({**about, "answer": numbers[name], "text": text, "checkpoint": name})
        numbers[name] += 1
    return rows


def _record(tx: Connection, asked: AnsweredPrompt) -> bool:
    for row in asked.media:
        media.add(tx, row)
    return prompts.add(tx, asked.prompt)


def _frame(rows: Sequence[Mapping[str, Any]], drawn: Drawn) -> polars.DataFrame:
    import polars as pl

    frame = pl.DataFrame(
        rows,
        schema={
            "prompt_id": pl.String,
            "category": pl.String,
            "answer": pl.Int64,
            "text": pl.String,
            "checkpoint": pl.String,
        },
    )
    said = {name: value for name, value in vars(drawn).items() if name != "checkpoint"}
    told = [pl.lit(value).alias(name) for name, value in said.items()]
    ordered = ("prompt_id", "checkpoint", "answer")
    return frame.with_columns(told).sort(*ordered, maintain_order=True)
