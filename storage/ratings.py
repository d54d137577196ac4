"""Tables of ratings as CSV: `item,rater,label`, one judgement a line, an empty label is missing."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from storage.errors import WrongInputError

COLUMNS = ("item", "rater", "label")
_SHOWN = 80

Judgement = tuple[str, str, str]


def read_csv(path: Path) -> list[Judgement]:
    """The judgements of a table: item, rater, label, each without the space around it.

    Other columns are ignored, blank lines and empty labels are left out.

    Raises:
        WrongInputError: the file cannot be read, lacks a column or a value, or lets a rater judge
            an item twice; with the line and the value.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_judgements(path, csv.reader(file, strict=True)))
    except OSError as error:
        raise WrongInputError(f"{path} cannot be read: {error.strerror}.", _next_step()) from error
    except UnicodeDecodeError as error:
        raise WrongInputError(
            f"{path} is not UTF-8: byte {error.start + 1} of a part of it cannot be read.",
            "Save the table as CSV in UTF-8.",
        ) from error


# `csv.reader` has no name in its stubs
def _judgements(path: Path, rows: Iterator[list[str]]) -> Iterator[Judgement]:
    header = [name.strip().lower() for name in _next(path, rows, 0) or []]
    _check_header(path, header)
    places = [header.index(name) for name in COLUMNS]
    seen: dict[tuple[str, str], int] = {}
    line = _line(rows)
    while (row := _next(path, rows, line)) is not None:
        line = _line(rows)
        if not any(cell.strip() for cell in row):
            continue
        _check_width(path, line, row, header)
        item, rater, label = (row[place].strip() for place in places)
        _check_names(path, line, item, rater)
        first = seen.setdefault((item, rater), line)
        if first != line:
            raise WrongInputError(
                f"{path}, line {line}: rater {rater[:_SHOWN]!r} judges item {item[:_SHOWN]!r} a "
                f"second time; the first is in line {first}.",
                "Keep one line per item and rater.",
            )
        if label:
            yield item, rater, label


def _next(path: Path, rows: Iterator[list[str]], line: int) -> list[str] | None:
    try:
        return next(rows, None)
    except csv.Error as error:
        raise WrongInputError(
            f"{path}, after line {line}: {error}.", "Close every quote, one judgement a line."
        ) from error


def _line(rows: Iterator[list[str]]) -> int:
    number: int = rows.line_num  # type: ignore[attr-defined]
    return number


def _check_header(path: Path, header: list[str]) -> None:
    wrong = [name for name in COLUMNS if header.count(name) != 1]
    if wrong:
        there = ",".join(header)[:_SHOWN]
        raise WrongInputError(
            f"{path}, line 1: {there!r} does not name the column {wrong[0]!r} once.", _next_step()
        )


def _check_width(path: Path, line: int, row: list[str], header: list[str]) -> None:
    if len(row) != len(header):
        raise WrongInputError(
            f"{path}, line {line}: {','.join(row)[:_SHOWN]!r} has {len(row)} values for "
            f"{len(header)} columns.",
            "Put values that contain a comma into double quotes.",
        )


def _check_names(path: Path, line: int, item: str, rater: str) -> None:
    for column, value in (("item", item), ("rater", rater)):
        if not value:
            raise WrongInputError(
                f"{path}, line {line}: the {column} is empty.",
                "Only a label may be empty: then it is missing.",
            )


def _next_step() -> str:
    return f"Give a CSV file whose first line is {','.join(COLUMNS)}."
