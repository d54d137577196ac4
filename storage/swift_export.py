"""Export to the `swift` format: `preferences.jsonl` and its media under content ids.

Importing an export gives the same prompts, answers, pairs and labels.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from storage import media, swift_records
from storage.errors import WrongInputError
from storage.media import EXTENSIONS, sync_folder
from storage.rows import DatasetRow
from storage.workspace import Workspace

FILE = "preferences.jsonl"
_FOLDERS = {"image": "images", "video": "videos"}


def export_rows(workspace: Workspace, rows: Sequence[DatasetRow], out: Path) -> Path:
    """Write the rows in their order into a folder that is new or empty; return `preferences.jsonl`.

    Raises:
        WrongInputError: no rows, or the folder cannot be used.
        NotFoundError: the bytes of a picture or video are missing.
    """
    if not rows:
        raise WrongInputError("There are no rows to export.", "Choose another dataset version.")
    _prepare(out)
    names = _write_media(workspace, rows, out)
    temporary = out / f".{uuid.uuid4().hex}"
    with temporary.open("x", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(_record(row, names), ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    path = temporary.replace(out / FILE)
    sync_folder(out)
    return path


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        is_empty = not any(out.iterdir())
    except OSError as problem:
        raise WrongInputError(
            f"{out} cannot be used: {problem.strerror}.", "Give a folder that is new or empty."
        ) from problem
    if not is_empty:
        raise WrongInputError(f"{out} is not empty.", "Give a folder that is new or empty.")


def _write_media(workspace: Workspace, rows: Sequence[DatasetRow], out: Path) -> dict[str, str]:
    """Write each picture and video once; media id -> name relative to `out`."""
    parts = {
        part.media: part.type
        for row in rows
        for turn in row.prompt.turns
        for part in turn.parts
        if part.media
    }
    names = {}
    for media_id, kind in sorted(parts.items()):
        with workspace.ledger.read() as db:
            mime = media.get(db, media_id).mime
        name = f"{_FOLDERS[kind]}/{media_id}.{EXTENSIONS[mime]}"
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(workspace.media.read(media_id))
        names[media_id] = name
    return names


def _record(row: DatasetRow, names: dict[str, str]) -> dict[str, Any]:
    messages = [
        {"role": turn.role, "content": swift_records.content(turn)} for turn in row.prompt.turns
    ]
    record: dict[str, Any] = {
        "messages": [*messages, {"role": "assistant", "content": row.chosen}],
        "rejected_response": row.rejected,
    }
    for kind, folder in _FOLDERS.items():
        files = [
            names[part.media]
            for turn in row.prompt.turns
            for part in turn.parts
            if part.type == kind
        ]
        if files:
            record[folder] = files
    if row.record_id:
        record["id"] = row.record_id
    return {**record, "category": row.prompt.category}
