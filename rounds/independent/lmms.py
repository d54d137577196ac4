"""What lmms-eval writes: `results.json`, and `samples_TASK.jsonl` with --log_samples.

A figure stands as `name,filter` with its standard error as `name_stderr,filter`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rounds.independent import reading
from rounds.independent.items import Outcome
from storage.errors import WrongInputError
from training.measuring.figures import Z95, Figure, wilson

LABELS = "benchmark"
_STDERR = "_stderr"
_NOT_FIGURES = ("alias", "samples", "submission")


def read(
    told: Mapping[str, Any], path: Path, samples: Sequence[Path]
) -> Iterator[tuple[str, dict[str, Any], list[Outcome]]]:
    """Task, its figures and its single items, for every task that has a number.

    Raises:
        WrongInputError: a file of samples is not of this shape.
    """
    for task, values in told["results"].items():
        figures = dict(_figures(values)) if isinstance(values, dict) else {}
        if not figures:
            continue
        outcomes = _samples(str(task), path, samples)
        count = _count(told, str(task)) or len(outcomes) or None
        for figure in figures.values():
            figure["n"] = count
        right = [bool(one.right) for one in outcomes if one.right is not None]
        if right:
            share = sum(right) / len(right)
            own = Figure(share, wilson(sum(right), len(right)), len(right), LABELS)
            figures["items_right"] = own.as_json()
        yield str(task), {**figures, "items": len(outcomes)}, outcomes


def _figures(values: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in values.items():
        key, _, ending = name.partition(",")
        if key.endswith(_STDERR) or key in _NOT_FIGURES or not _is_number(value):
            continue
        error: Any = values.get(f"{key}{_STDERR},{ending}")
        figure: dict[str, Any] = {"value": float(value), "ci95": None, "labels": LABELS}
        if _is_number(error):
            figure["ci95"] = [float(value) - Z95 * float(error), float(value) + Z95 * float(error)]
        else:
            figure["reason"] = "the file tells no standard error"
        yield key if ending in ("", "none") else f"{key}/{ending}", figure


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _count(told: Mapping[str, Any], task: str) -> int | None:
    counts = dict(told.get("n-samples") or {}).get(task)
    found: Any = counts.get("effective") if isinstance(counts, dict) else None
    return int(found) if _is_number(found) else None


def _samples(task: str, path: Path, samples: Sequence[Path]) -> list[Outcome]:
    """The items of a task from the files named, else from the newest one that lies beside."""
    fitting = [one for one in samples if one.stem.endswith(f"samples_{task}")]
    beside = sorted(path.parent.glob(f"*samples_{task}.jsonl"))
    chosen = fitting or beside[-1:]
    return [
        _outcome(record, file, at)
        for file in chosen
        for at, record in enumerate(reading.records(file), start=1)
    ]


def _outcome(record: Mapping[str, Any], path: Path, at: int) -> Outcome:
    document = record.get("doc")
    told = document if isinstance(document, dict) else {}
    try:
        said = record["filtered_resps"]
        while isinstance(said, list):
            said = said[0]
    except (KeyError, IndexError) as error:
        raise WrongInputError(
            f"{path}, item {at}: 'filtered_resps' holds no answer.", "Log samples again."
        ) from error
    return Outcome(
        item=str(record.get("doc_id", at)),
        part=str(told.get("category") or ""),
        question=str(told.get("question") or record.get("input") or ""),
        picture=str(told.get("image_source") or ""),
        truth=(str(record.get("target")),),
        said=str(said),
        right=_is_right(record),
    )


def _is_right(record: Mapping[str, Any]) -> bool | None:
    """By the first measure that is 0 or 1, as a number or as the `score` of an object."""
    for name, value in record.items():
        if name in ("doc_id", "target", "doc", "resps", "filtered_resps"):
            continue
        found = value.get("score") if isinstance(value, dict) else value
        if _is_number(found) and found in (0, 1):
            return bool(found == 1)
    return None
