"""Files with one JSON object per line, as strangers write them.

Every line comes out: as an object to look into, as blank, or with the problem it has. A line that
is too long is skipped without keeping it in memory. A pretty-printed object counts as one line when
its outer braces stand on lines of their own.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from storage.errors import WrongInputError

LONGEST = 4 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Line:
    """One line of a file, or several that make up one object.

    Attributes:
        number: counts from 1; the first of several lines.
        text: without the line end; empty for a blank line or one with a problem.
        problem: why the line cannot be read, else empty.
        end: bytes of the file up to the end of this line.
        is_cut: the file ends here without a line end.
    """

    number: int
    text: str
    problem: str
    end: int
    is_cut: bool


@dataclass(frozen=True)
class _Raw:
    """A line in bytes, without its end; None when it was too long."""

    number: int
    data: bytes | None
    end: int
    is_cut: bool


def read(path: Path, longest: int = LONGEST) -> Iterator[Line]:
    """The lines of a file in order, each of at most `longest` bytes."""
    with path.open("rb") as file:
        waiting: deque[_Raw] = deque()
        lines = _raw_lines(file, longest)
        while (raw := waiting.popleft() if waiting else next(lines, None)) is not None:
            if _is_brace(raw, b"{"):
                raw = _whole_object(raw, waiting, lines, longest)
            yield _decoded(raw, longest)


def parse_object(line: Line) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        WrongInputError: the line has a problem, or is no JSON object, or names a key twice, or
            holds NaN, half of a surrogate pair or a NUL character.
    """
    if line.problem:
        raise WrongInputError(line.problem)
    try:
        value = json.loads(line.text, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError:
        raise WrongInputError("The JSON is nested too deeply.") from None
    except json.JSONDecodeError as problem:
        cut = " The file ends in the middle of this line." if line.is_cut else ""
        raise WrongInputError(
            f"Not valid JSON: {problem.msg} at character {problem.colno}.{cut}"
        ) from None
    except ValueError as problem:
        raise WrongInputError(f"Not valid JSON: {problem}.") from None
    if not isinstance(value, dict):
        raise WrongInputError(f"A JSON {_name(value)}, but a record is an object in braces.")
    if "\\u" in line.text:
        _check_characters(value)
    return value


def parse_at(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins at a character of a text, and where it ends.

    Raises:
        json.JSONDecodeError: there is no value, or it breaks off.
        WrongInputError: it holds what `parse_object` refuses.
    """
    try:
        value, end = _DECODER.raw_decode(text, at)
    except RecursionError:
        raise WrongInputError("The JSON is nested too deeply.") from None
    except json.JSONDecodeError:
        raise
    except ValueError as problem:
        raise WrongInputError(f"Not valid JSON: {problem}.") from None
    if "\\u" in text[at:end]:
        _check_characters({"": value})
    return value, end


def _raw_lines(file: BinaryIO, longest: int) -> Iterator[_Raw]:
    number, end = 0, 0
    while data := file.readline(longest + 2):
        number, end = number + 1, end + len(data)
        is_too_long = len(data.rstrip(b"\r\n")) > longest
        is_ended = data.endswith(b"\n")
        while is_too_long and not is_ended and (rest := file.readline(longest)):
            end, is_ended = end + len(rest), rest.endswith(b"\n")
        if number == 1:
            data = data.removeprefix(_BOM)
        yield _Raw(number, None if is_too_long else data.rstrip(b"\r\n"), end, not is_ended)


def _whole_object(first: _Raw, waiting: deque[_Raw], lines: Iterator[_Raw], longest: int) -> _Raw:
    """All lines up to the closing brace as one; the first alone when they do not belong together,
    with the others put back into `waiting`."""
    taken, size = [first], 1
    while (raw := waiting.popleft() if waiting else next(lines, None)) is not None:
        taken.append(raw)
        size += len(raw.data or b"") + 1
        if raw.data is None or size > longest or _is_brace(raw, b"{") or _is_record(raw.data):
            break
        if _is_brace(raw, b"}"):
            joined = b"\n".join(part.data or b"" for part in taken)
            return _Raw(first.number, joined, raw.end, raw.is_cut)
    waiting.extendleft(reversed(taken[1:]))
    return first


def _is_brace(raw: _Raw, brace: bytes) -> bool:
    return raw.data is not None and raw.data.rstrip() == brace


def _is_record(data: bytes) -> bool:
    """Whether a line is a record by itself, and so no part of a pretty-printed one."""
    if not (data.startswith(b"{") and data.endswith(b"}")):
        return False
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return "messages" in value


def _decoded(raw: _Raw, longest: int) -> Line:
    text, problem = "", ""
    if raw.data is None:
        problem = f"The line is longer than {longest / 1024**2:.0f} MiB."
    else:
        try:
            text = raw.data.decode("utf-8")
        except UnicodeDecodeError as error:
            problem = f"Not UTF-8: byte {error.start + 1} of the line cannot be read."
    return Line(raw.number, text if text.strip() else "", problem, raw.end, raw.is_cut)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _unique(entries: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(entries)
    if len(value) < len(entries):
        names = [name for name, _ in entries]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:40]!r} appears twice")
    return value


_DECODER = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_unique)


def _name(value: Any) -> str:
    names = {list: "list", str: "text", bool: "truth value", type(None): "null"}
    return names.get(type(value), "number")


def _check_characters(value: dict[str, Any]) -> None:
    for text in _strings(value):
        if "\0" in text:
            raise WrongInputError("A text contains a NUL character.")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise WrongInputError(
                "A text contains half of a surrogate pair, which is no character."
            )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
