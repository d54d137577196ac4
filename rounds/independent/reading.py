"""The files of a benchmark as JSON, with errors that name the file and what is wrong in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage import json_lines
from storage.errors import NotFoundError, WrongInputError


def json_file(path: Path) -> Any:
    """The one JSON value of a file.

    Raises:
        NotFoundError: there is no such file.
        WrongInputError: it is no JSON.
    """
    try:
        return json.loads(text_file(path))
    except (ValueError, RecursionError) as error:
        raise WrongInputError(f"{path} is no JSON: {error}.", "Get the file again.") from error


def records(path: Path) -> list[dict[str, Any]]:
    """The objects of a file: a JSON list of them, or one a line.

    Raises:
        NotFoundError: there is no such file.
        WrongInputError: it holds something else; with the line.
    """
    if text_file(path).lstrip()[:1] == "[":
        found = json_file(path)
        if not all(isinstance(one, dict) for one in found):
            raise WrongInputError(f"{path} is no list of objects.", "Get the file again.")
        return list(found)
    lines = [line for line in json_lines.read(path) if line.text or line.problem]
    try:
        return [json_lines.parse_object(line) for line in lines]
    except WrongInputError as error:
        raise WrongInputError(f"{path}: {error.what}", "Get the file again.") from error


def text_file(path: Path) -> str:
    """The text of a file.

    Raises:
        NotFoundError: there is no such file.
        WrongInputError: it is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongInputError(f"{path} is not UTF-8.", "Get the file again.") from error
    except OSError as error:
        raise NotFoundError(
            f"{path} cannot be read: {error.strerror}.",
            "Name the folder that holds the benchmark's own files.",
        ) from error


def the_file(folder: Path, *patterns: str) -> Path:
    """The one file of a folder, or of folders in it, whose name fits the first pattern that any
    fits.

    Raises:
        NotFoundError: none fits, or several do.
    """
    found: list[Path] = []
    for pattern in patterns:
        found = sorted(folder.rglob(pattern))
        if found:
            break
    if len(found) != 1:
        names = ", ".join(path.name for path in found[:5]) or "none"
        raise NotFoundError(
            f"One file like {' or '.join(patterns)} is needed in {folder}; {names} found.",
            "Put the benchmark's own files there, and nothing else.",
        )
    return found[0]


def optional_file(folder: Path, pattern: str) -> Path | None:
    """The first file whose name fits, or None."""
    return next(iter(sorted(folder.rglob(pattern))), None)


def digests(*paths: Path | None) -> dict[str, str]:
    """Name -> SHA-256 of what was read."""
    there = [path for path in paths if path is not None]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in there}


def text_of(record: Mapping[str, Any], key: str, path: Path, at: int) -> str:
    """A text or number of a record, as a text.

    Raises:
        WrongInputError: it is missing or something else.
    """
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise WrongInputError(
            f"{path}, item {at}: {key!r} is {str(value)[:80]!r}.", "Give a text there."
        )
    return str(value).replace("<image>", "").strip()
