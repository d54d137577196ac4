"""The `swift` format: `preferences.jsonl` with everything, and its media under content ids.

Importing it gives the same prompts, answers, pairs and labels. `train.jsonl` and `holdout.jsonl`
hold the same records apart, for training elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage import swift_records
from storage.exports import folder
from storage.rows import DatasetRow

FILE = "preferences.jsonl"


def record(row: DatasetRow, names: Mapping[str, str]) -> dict[str, Any]:
    """A row as `storage.swift_records` reads it; `names` are the files of its media."""
    messages = [
        {"role": turn.role, "content": swift_records.content(turn)} for turn in row.prompt.turns
    ]
    found: dict[str, Any] = {
        "messages": [*messages, {"role": "assistant", "content": row.chosen}],
    }
    if row.rejected:
        found["rejected_response"] = row.rejected
    for kind, key in (("image", "images"), ("video", "videos")):
        if files := folder.names_of(row, names, kind):
            found[key] = files
    if row.record_id:
        found["id"] = row.record_id
    return {**found, "category": row.prompt.category}
