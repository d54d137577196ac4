"""Rows of a stranger's file, whatever holds them: lines of JSON, one JSON list, CSV, Parquet.

Runs in the confined process of `storage.imports.confined`. The content decides, not the name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import json_lines
from storage.errors import WrongInputError

# a whole JSON list lies in memory as text
LARGEST_LIST = 256 * 1024 * 1024
# a line may hold pictures in base64
LONGEST_LINE = 64 * 1024 * 1024
MOST_FILES = 10_000
_DATA = (".parquet", ".arrow", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")
# files that stand beside data in folders of datasets
_ABOUT = {"dataset_info.json", "state.json", "dataset_dict.json", "manifest.json", "metadata.json"}
_MAGIC = {
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x80\x04": "a Python pickle",
    b"SQLite format 3": "a database",
}
_WIDE = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        number: counts from 1: the line of a file of lines, else the record.
        value: None when it cannot be read.
        problem: why it cannot be read, else empty.
        end: how far the files are read then, in bytes.
    """

    number: int
    value: dict[str, Any] | None
    problem: str = ""
    end: int = 0


@dataclass(frozen=True)
class Rows:
    """The rows of a file or a folder of files.

    Attributes:
        kind: `jsonl`, `json`, `csv`, `parquet` or `arrow`.
        size: bytes of all files.
    """

    kind: str
    size: int
    rows: Iterator[Row]


def read(path: Path) -> Rows:
    """Begin to read a file, or every file of data below a folder.

    Raises:
        WrongInputError: it is no data that we read, or the files of a folder are of several kinds.
    """
    files = _files(path) if path.is_dir() else [path]
    kinds = {kind_of(file) for file in files}
    if len(kinds) > 1:
        raise WrongInputError(
            f"{path} holds files of several kinds: {', '.join(sorted(kinds))}.",
            "Name one file or a folder with one kind.",
        )
    kind = kinds.pop()
    return Rows(kind, sum(file.stat().st_size for file in files), _of_files(files, kind))


def kind_of(path: Path) -> str:
    """What a file is by its first bytes; the name tells CSV from other text.

    Raises:
        WrongInputError: it is an archive, not UTF-8, or nothing that we read.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    for magic, name in _MAGIC.items():
        if start.startswith(magic):
            raise WrongInputError(f"{path.name} is {name}.", "Unpack it and import what is inside.")
    if start.startswith(_WIDE):
        raise WrongInputError(f"{path.name} is UTF-16.", "Save it again as UTF-8.")
    if start.startswith(b"PAR1"):
        return "parquet"
    if path.suffix.lower() == ".arrow":
        return "arrow"
    if path.suffix.lower() in (".csv", ".tsv"):
        return "csv"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise WrongInputError(f"{path} holds no records.", "Give a file with one record per line.")
    if b"\0" in start:
        raise WrongInputError(
            f"{path.name} is neither JSON, CSV, Parquet nor Arrow by its content.",
            "Save the records in one of these.",
        )
    return "json" if text.startswith(b"[") and not _is_line(text) else "jsonl"


def _is_line(text: bytes) -> bool:
    """Whether the first line is a list by itself, so that a file of lines begins with a bad one."""
    first, newline, rest = text.partition(b"\n")
    return bool(newline) and first.rstrip() == b"[]" and bool(rest.strip())


def _files(folder: Path) -> list[Path]:
    """The files of data below a folder, by name; none that a link leads out to."""
    root = folder.resolve()
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in _DATA or path.name in _ABOUT:
            continue
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if not path.resolve().is_relative_to(root):
            raise WrongInputError(
                f"{path.relative_to(folder)} is a link out of {folder}.", "Remove it."
            )
        # opening a pipe would wait for ever
        if not path.is_file():
            continue
        found.append(path)
        if len(found) > MOST_FILES:
            raise WrongInputError(
                f"{folder} holds more than {MOST_FILES} files.", "Name one of them."
            )
    if not found:
        raise WrongInputError(
            f"{folder} holds no records.", f"Files of data end in {', '.join(_DATA)}."
        )
    return found


def _of_files(files: list[Path], kind: str) -> Iterator[Row]:
    read = 0
    last = 0
    for path in files:
        size = path.stat().st_size
        number = last
        for row in _of_file(path, kind):
            number = last + row.number
            yield Row(number, row.value, row.problem, read + min(row.end, size))
        last, read = number, read + size


def _of_file(path: Path, kind: str) -> Iterator[Row]:
    # the readers of tables take time to load, and most files need only one of them
    if kind == "jsonl":
        return _of_lines(path)
    if kind == "json":
        return _of_list(path)
    if kind == "csv":
        from storage.imports import separated

        return separated.rows(path)
    from storage.imports import columnar

    return columnar.rows(path, kind)


def _of_lines(path: Path) -> Iterator[Row]:
    for line in json_lines.read(path, LONGEST_LINE):
        if not line.text and not line.problem:
            continue
        try:
            yield Row(line.number, json_lines.parse_object(line), end=line.end)
        except WrongInputError as problem:
            yield Row(line.number, None, str(problem), line.end)


def _of_list(path: Path) -> Iterator[Row]:
    """The records of one JSON list, parsed one after the other.

    What breaks the list ends it: the rest comes back as one row with the problem.
    """
    text = _whole(path)
    at, number = _after_blanks(text, text.index("[") + 1), 0
    if text[at : at + 1] == "]":
        return
    while at < len(text):
        number += 1
        row = _element(text, at, number)
        yield row
        at = _after_blanks(text, row.end)
        is_over = row.value is None and row.end == len(text)
        if text[at : at + 1] == "]" or is_over:
            return
        if text[at : at + 1] != ",":
            break
        at = _after_blanks(text, at + 1)
    broken = f"The list breaks off at character {at + 1:,} of the file:"
    seen = f"{text[at : at + 20]!r} instead of a comma or its end."
    yield Row(number + 1, None, f"{broken} {seen}", len(text))


def _element(text: str, at: int, number: int) -> Row:
    """The record that begins here; it ends with the text when its own end is not known."""
    try:
        value, end = json_lines.parse_at(text, at)
    except json.JSONDecodeError as error:
        what = f"Not valid JSON: {error.msg} at character {error.pos + 1:,} of the file."
        return Row(number, None, f"{what} Nothing from here on can be read.", len(text))
    except WrongInputError as error:
        known = _end_of(text, at)
        rest = "" if known else " Nothing from here on can be read."
        return Row(number, None, f"{error}{rest}", known or len(text))
    if not isinstance(value, dict):
        return Row(
            number, None, "A record is an object in braces, and this is something else.", end
        )
    return Row(number, value, end=end)


def _whole(path: Path) -> str:
    size = path.stat().st_size
    if size > LARGEST_LIST:
        raise WrongInputError(
            f"{path.name} is a JSON list of {size / 1024**2:.0f} MiB; "
            f"{LARGEST_LIST // 1024**2} MiB are the most.",
            "Write one record a line instead: such a file may have any size.",
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongInputError(
            f"{path.name} is not UTF-8: byte {error.start + 1} cannot be read.",
            "Save it again as UTF-8.",
        ) from None


def _end_of(text: str, at: int) -> int | None:
    """Where a value ends that is JSON but holds what we refuse; None when that is not known."""
    try:
        return json.JSONDecoder().raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return None


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
