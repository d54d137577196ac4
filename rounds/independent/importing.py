"""Results of other tools: lmms-eval (results and samples) and VLMEvalKit (tables of scores).

Their numbers are kept as they are, with what the files tell of n and of the interval; nothing is
measured again but what single items say. Spreadsheets (.xlsx) are not read: save them as CSV.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rounds.independent import items, lmms, reading, yes_no
from rounds.independent.items import Outcome
from storage import independent_results
from storage.errors import WrongInputError
from storage.independent_results import IndependentResult, ResultKind
from storage.workspace import Workspace
from training.measuring.figures import Figure, wilson

LABELS = "benchmark"
_UNTOLD = "the file tells no interval"
# what VLMEvalKit puts at the end of the name of a table of scores
_ENDINGS = ("_acc", "_score", "_acc_all", "_rating", "_metrics")


@dataclass(frozen=True)
class Read:
    """What a file says of one benchmark."""

    benchmark: str
    metrics: Mapping[str, Any]
    outcomes: Sequence[Outcome]


def import_file(
    workspace: Workspace,
    path: Path,
    *,
    checkpoint: str,
    samples: Sequence[Path] = (),
    benchmark: str = "",
) -> list[IndependentResult]:
    """Record what a file says of a checkpoint; what was recorded before is given back.

    Args:
        checkpoint: as results name it.
        samples: files of single items; by default those of lmms-eval that lie beside.
        benchmark: its name; by default as the file has it.

    Raises:
        NotFoundError: there is no such file.
        WrongInputError: it is none of the known kinds.
    """
    found = read(path, samples, benchmark)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    kept = [items.keep(workspace, one.outcomes) if one.outcomes else ("", digest) for one in found]
    with workspace.ledger.write() as tx:
        return [
            independent_results.add(
                tx,
                checkpoint=checkpoint,
                benchmark=one.benchmark,
                kind=ResultKind.IMPORTED,
                metrics=one.metrics,
                items=where,
                digest=sha,
                source=f"file {path.name}",
            )
            for one, (where, sha) in zip(found, kept, strict=True)
        ]


def read(path: Path, samples: Sequence[Path] = (), benchmark: str = "") -> list[Read]:
    """What a file says, benchmark by benchmark. See `import_file`."""
    ending = path.suffix.lower()
    if ending in (".xlsx", ".xls", ".pkl"):
        raise WrongInputError(
            f"{path.name} is not read: only .json, .csv and .tsv are.",
            "Save the table as CSV. Predictions need the columns index and hit.",
        )
    if ending in (".csv", ".tsv"):
        return [_table(path, "\t" if ending == ".tsv" else ",", benchmark or _named(path))]
    told = reading.json_file(path)
    if isinstance(told, dict) and isinstance(told.get("results"), dict):
        found = [Read(*one) for one in lmms.read(told, path, samples)]
        if benchmark:
            found = [one for one in found if one.benchmark == benchmark]
        if not found:
            raise WrongInputError(
                f"{path.name} has no figures{f' of {benchmark}' if benchmark else ''}.",
                f"It tells of {', '.join(map(str, told['results'])) or 'nothing'}.",
            )
        return found
    figures = dict(_flat(told)) if isinstance(told, dict) else {}
    if not figures:
        raise WrongInputError(
            f"{path.name} holds no figures of lmms-eval or VLMEvalKit.",
            "Give lmms-eval's results.json, or VLMEvalKit's scores as .json or .csv.",
        )
    return [Read(benchmark or _named(path), figures, ())]


def untold(value: float) -> dict[str, Any]:
    """A figure that a file tells without n and interval."""
    return {"value": value, "ci95": None, "n": None, "labels": LABELS, "reason": _UNTOLD}


def number(text: Any) -> float | None:
    """A finite number; None for anything else."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if abs(value) < float("inf") else None


def _table(path: Path, divider: str, benchmark: str) -> Read:
    lines = list(csv.DictReader(reading.text_file(path).splitlines(), delimiter=divider))
    lines = [{str(key).strip(): value for key, value in line.items()} for line in lines]
    if lines and "prediction" in lines[0]:
        return _predictions(path, lines, benchmark)
    figures = dict(_scores(lines))
    if not figures:
        raise WrongInputError(
            f"{path.name} has no numbers under names of figures.",
            "Give VLMEvalKit's table of scores, or predictions with index and prediction.",
        )
    return Read(benchmark, figures, ())


def _scores(lines: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Every number of a table, under its column and the words of its row."""
    for line in lines:
        words = [str(text) for text in line.values() if text and number(text) is None]
        where = f"/{' '.join(words)}" if words and len(lines) > 1 else ""
        for name, text in line.items():
            value = number(text)
            if value is not None:
                yield name + where, untold(value)


def _predictions(path: Path, lines: Sequence[Mapping[str, Any]], benchmark: str) -> Read:
    """Single items: right by the column `hit`, else by yes or no where the answer is one."""
    outcomes = [_outcome(line, path, at) for at, line in enumerate(lines, start=1)]
    known = [bool(one.right) for one in outcomes if one.right is not None]
    if not known:
        raise WrongInputError(
            f"{path.name} does not say which predictions are right.",
            "Give a column hit of 0 and 1, or answers that are yes or no.",
        )
    figure = Figure(sum(known) / len(known), wilson(sum(known), len(known)), len(known), LABELS)
    told = {"items": len(outcomes), "left_out": _unknown(len(outcomes) - len(known))}
    return Read(benchmark, {"accuracy": figure.as_json(), **told}, outcomes)


def _unknown(count: int) -> dict[str, int]:
    return {"not known whether right": count} if count else {}


def _outcome(line: Mapping[str, Any], path: Path, at: int) -> Outcome:
    truth, said = str(line.get("answer") or ""), str(line.get("prediction") or "")
    hit = number(line.get("hit"))
    right: bool | None = None
    if hit is not None:
        right = hit == 1
    elif truth.strip().casefold() in (yes_no.YES, yes_no.NO):
        right = yes_no.parse(said) == truth.strip().casefold()
    return Outcome(
        item=reading.text_of({"index": line.get("index") or at}, "index", path, at),
        part=str(line.get("category") or line.get("split") or ""),
        question=str(line.get("question") or ""),
        picture=str(line.get("image_path") or ""),
        truth=(truth,),
        said=said,
        right=right,
    )


def _flat(told: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in told.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}/")
        elif not isinstance(value, bool) and number(value) is not None:
            yield f"{before}{name}", untold(float(value))


def _named(path: Path) -> str:
    """The benchmark in a name like `Qwen2-VL-7B_POPE_score.csv`."""
    stem = path.stem
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    return stem.rsplit("_", 1)[-1]
