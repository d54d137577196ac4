"""The folder of an export: made beside its place under another name, and moved there when whole."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storage import media
from storage.errors import WrongInputError
from storage.media import EXTENSIONS, sync_folder
from storage.rows import DatasetRow
from storage.workspace import Workspace

_FOLDERS = {"image": "images", "video": "videos"}
_ADVICE = "Give a folder that is new or empty."


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A folder to write into; it becomes `out` when the block ends well, else it is removed.

    Raises:
        WrongInputError: `out` has something in it, or cannot be made.
    """
    out = out.absolute()
    _check(out)
    making = out.with_name(f".{out.name}.{uuid.uuid4().hex}.partial")
    try:
        making.mkdir(parents=True)
    except OSError as problem:
        raise _unusable(out, problem) from problem
    try:
        yield making
        for path in sorted(making.rglob("*")):
            _sync(path)
        _move(making, out)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def write_media(workspace: Workspace, rows: Sequence[DatasetRow], folder: Path) -> dict[str, str]:
    """Write each picture and video once under its id; media id -> name relative to `folder`.

    Raises:
        NotFoundError: the bytes of a picture or video are missing.
    """
    parts = {
        part.media: part.type
        for row in rows
        for turn in row.prompt.turns
        for part in turn.parts
        if part.media
    }
    with workspace.ledger.read() as db:
        endings = {media_id: EXTENSIONS[media.get(db, media_id).mime] for media_id in parts}
    names = {}
    for media_id, kind in sorted(parts.items()):
        name = f"{_FOLDERS[kind]}/{media_id}.{endings[media_id]}"
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(workspace.media.read(media_id))
        names[media_id] = name
    return names


def names_of(row: DatasetRow, names: Mapping[str, str], kind: str) -> list[str]:
    """The file names of a row's media of one kind (`image`, `video`), in the order of its turns."""
    return [
        names[part.media] for turn in row.prompt.turns for part in turn.parts if part.type == kind
    ]


def write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def write_array(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """One JSON array, an object a line."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        lines = (json.dumps(record, ensure_ascii=False) for record in records)
        file.write("[\n" + ",\n".join(lines) + "\n]\n")


def _check(out: Path) -> None:
    try:
        is_full = out.exists() and any(out.iterdir())
    except OSError as problem:
        raise _unusable(out, problem) from problem
    if is_full:
        raise WrongInputError(f"{out} is not empty.", _ADVICE)


def _move(making: Path, out: Path) -> None:
    """Take the final name; an empty folder gives way, one that was filled meanwhile does not."""
    try:
        if out.exists():
            out.rmdir()
        making.rename(out)
    except OSError as problem:
        raise _unusable(out, problem) from problem
    sync_folder(out.parent)


def _unusable(out: Path, problem: OSError) -> WrongInputError:
    return WrongInputError(f"{out} cannot be used: {problem.strerror}.", _ADVICE)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
