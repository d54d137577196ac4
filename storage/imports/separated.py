"""CSV and TSV as rows: the first line names the columns, an empty cell is missing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from storage.errors import WrongInputError
from storage.imports.rows import Row

LONGEST_CELL = 4 * 1024 * 1024
MOST_COLUMNS = 1000
_SEPARATORS = ",;\t"


def rows(path: Path) -> Iterator[Row]:
    """The rows under the heading; a row that does not fit comes back with its problem.

    Raises:
        WrongInputError: there is no heading, or it names a column twice.
    """
    csv.field_size_limit(LONGEST_CELL)
    # bytes that are no UTF-8 come out as surrogates, so that only their own line is lost
    with (
        path.open("rb") as raw,
        io.TextIOWrapper(raw, "utf-8-sig", "surrogateescape", newline="") as file,
    ):
        reader = csv.reader(file, delimiter=_separator(path), strict=True)
        heading = _heading(path, reader)
        line = _line(reader)
        while True:
            number = line + 1
            try:
                cells = next(reader, None)
            except csv.Error as problem:
                yield Row(number, None, f"Not valid CSV: {problem}.", raw.tell())
                line = max(_line(reader), number)
                continue
            if cells is None:
                return
            line = _line(reader)
            if any(cell.strip() for cell in cells):
                yield _row(number, heading, cells, raw.tell())


def _row(number: int, heading: list[str], cells: list[str], end: int) -> Row:
    if len(cells) != len(heading):
        words = f"{len(cells)} values for {len(heading)} columns"
        return Row(number, None, f"The line has {words}: quote values with separators.", end)
    value = {name: cell or None for name, cell in zip(heading, cells, strict=True)}
    for cell in cells:
        if any("\ud800" <= letter <= "\udfff" for letter in cell):
            return Row(number, None, "Not UTF-8: a byte of the line cannot be read.", end)
    return Row(number, value, end=end)


def _heading(path: Path, reader: Iterator[list[str]]) -> list[str]:
    try:
        heading = [name.strip() for name in next(reader, [])]
    except csv.Error as problem:
        raise WrongInputError(f"{path.name}, line 1: {problem}.", "Name the columns.") from None
    twice = sorted({name for name in heading if heading.count(name) > 1})
    if not heading or twice or len(heading) > MOST_COLUMNS:
        what = f"names {twice[0][:80]!r} twice" if twice else f"names {len(heading)} columns"
        raise WrongInputError(
            f"{path.name}, line 1 {what}.", "Give each column a name of its own in the first line."
        )
    return heading


def _separator(path: Path) -> str:
    """The separator that stands in the heading most often."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        heading = file.readline(LONGEST_CELL)
    return max(_SEPARATORS, key=heading.count)


def _line(reader: Iterator[list[str]]) -> int:
    number: int = reader.line_num  # type: ignore[attr-defined]
    return number
