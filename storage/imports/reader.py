"""The process that reads a stranger's file: `python -m storage.imports.reader REQUEST`.

It may use so much memory and time and no more, writes no file, and says what it finds on standard
output, one JSON object a line: `found`, then `record` or `problem` for each row, at last `done`; or
`failed`. What breaks it breaks nobody else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from storage import confinement
from storage.errors import WrongInputError
from storage.imports import catalogue, label_studio, records, rows
from storage.imports.forms import Reading, Sample
from storage.imports.rows import Row

MEMORY = 3 * 1024**3
# of computing, for any file and for each MiB of it
SECONDS, SECONDS_PER_MIB = 120, 2
MOST_RECORDS = 2_000_000
# rows that are looked at to find the format
SAMPLE = 100
# what a row of an unexpected shape raises in code that expects another
_MISSHAPEN = (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True)
class Request:
    """What to read, and what the user said about it.

    Attributes:
        path: absolute.
        told: field -> column.
        winner_values: none, or what the winner's column says for the first and the second answer.
        memory: bytes that reading may take.
    """

    path: str
    format: str = catalogue.AUTO
    told: dict[str, str] | None = None
    winner_values: tuple[str, ...] = ()
    memory: int = MEMORY


def main() -> None:
    """Read what the first argument asks for."""
    request = Request(**json.loads(sys.argv[1]))
    confine(Path(request.path), request.memory)
    try:
        for line in answers(request):
            _say(line)
    except WrongInputError as problem:
        _say({"failed": [problem.what, problem.next_step]})
    except MemoryError:
        _say({"failed": ["memory", ""]})
    except OSError as problem:
        _say({"failed": [f"{request.path} cannot be read: {problem.strerror}.", ""]})


def confine(path: Path, memory: int) -> None:
    """Limit this process: its memory in bytes, its time by the size of what it reads."""
    files = path.rglob("*") if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    confinement.confine(memory, SECONDS + SECONDS_PER_MIB * size // 1024**2)


def answers(request: Request) -> Iterator[dict[str, Any]]:
    """What this process says, line by line.

    Raises:
        WrongInputError: the file cannot be read, or no format fits.
    """
    source = rows.read(Path(request.path))
    first = list(islice(source.rows, SAMPLE))
    good = [row.value for row in first if row.value is not None]
    if not good:
        raise _nothing_good(request, first)
    found = catalogue.find(good, request.format, request.told or {}, tuple(request.winner_values))
    reading = Reading(found.columns)
    columns = dict(found.columns.of)
    name = found.form.name
    yield {"found": {"format": name, "why": found.why, "columns": columns, "size": source.size}}
    if unused := _unused(found, good):
        yield {"note": f"Columns that were not used: {', '.join(unused)[:300]}."}
    count = 0
    for row in chain(first, source.rows):
        for line in _of_row(row, found.form.records, reading):
            count += 1
            if count > MOST_RECORDS:
                raise WrongInputError(
                    f"The file has more than {MOST_RECORDS:,} records.", "Split it into parts."
                )
            yield {**line, "line": row.number, "end": row.end}
    yield {"done": [f"{note}: {times} rows." for note, times in sorted(reading.notes.items())]}


def _unused(found: catalogue.Found, rows: Sample) -> list[str]:
    """Columns of a table, or fields of records, that became no part of a pair."""
    form = found.form
    if form.columns is None or form.name == label_studio.MIN:
        return []
    return [name for name in form.columns(rows) if name not in found.columns.of.values()]


def _of_row(row: Row, parse: Any, reading: Reading) -> list[dict[str, Any]]:
    """The records of a row, or its problem."""
    if row.value is None:
        return [{"problem": row.problem}]
    try:
        found = [records.check(record) for record in parse(row.value, reading)]
    except WrongInputError as problem:
        return [{"problem": str(problem)}]
    except _MISSHAPEN as problem:
        return [{"problem": f"The record has an unexpected shape ({type(problem).__name__})."}]
    if not found:
        return [{"problem": "The record holds no two answers to compare."}]
    return [{"record": asdict(record)} for record in found]


def _nothing_good(request: Request, first: list[Row]) -> WrongInputError:
    if not first:
        return WrongInputError(
            f"{request.path} holds no records.", "Give a file with one record per line."
        )
    return WrongInputError(
        f"Not one of the first {len(first)} records can be read. Line {first[0].number}: "
        f"{first[0].problem}",
        "Correct the file.",
    )


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=True) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
