"""Exports of other tools as these tools write them, and what we read from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.imports import reader
from storage.imports.reader import Request

Read = Callable[..., "Heard"]


class Heard:
    """What the reading process would say about a file, taken in this process without its limits."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        # as they travel between the processes
        lines = json.loads(json.dumps(lines))
        self.found = lines[0]["found"]
        self.records = [line["record"] for line in lines if "record" in line]
        self.problems = {line["line"]: line["problem"] for line in lines if "problem" in line}
        self.notes = [note for line in lines for note in line.get("done", [])]
        self.unused = [line["note"] for line in lines if "note" in line]

    def said(self) -> list[list[tuple[str, str]]]:
        """(who, choice) of every opinion, by record."""
        return [
            [(opinion["who"], opinion["choice"]) for opinion in record["opinions"]]
            for record in self.records
        ]


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """`written("a.json", value)` is a file with the value: bytes, a text, a list or lines."""

    def write(name: str, value: Any) -> Path:
        path = tmp_path / name
        if isinstance(value, bytes):
            path.write_bytes(value)
        elif isinstance(value, str):
            path.write_text(value, encoding="utf-8")
        elif name.endswith(".jsonl"):
            path.write_text("".join(json.dumps(row) + "\n" for row in value), encoding="utf-8")
        else:
            path.write_text(json.dumps(value, indent=1), encoding="utf-8")
        return path

    return write


@pytest.fixture
def read(written: Callable[..., Path]) -> Read:
    """`read("a.json", value, format="trl")` is what the reader says about such a file."""

    def go(name: str, value: Any, **asked: Any) -> Heard:
        path = value if isinstance(value, Path) else written(name, value)
        return Heard(list(reader.answers(Request(str(path), **asked))))

    return go


@pytest.fixture
def task() -> Callable[..., dict[str, Any]]:
    """`task(101, (3, "left"), (4, None))` is a Label Studio task with annotations; None skips."""

    def make(number: int, *given: tuple[int, str | None], **data: Any) -> dict[str, Any]:
        shown = {"prompt": f"What is {number}?", "answer1": f"It is {number}.", "answer2": "No."}
        annotations = [_annotation(who, selected) for who, selected in given]
        return {
            "id": number,
            "data": shown | data,
            "annotations": annotations,
            "drafts": [],
            "predictions": [],
            "total_annotations": len(given),
        }

    return make


def _annotation(who: int, selected: str | None) -> dict[str, Any]:
    choice = {
        "id": "k2Jd0",
        "from_name": "comparison",
        "to_name": "comparison",
        "type": "pairwise",
        "origin": "manual",
        "value": {"selected": selected},
    }
    return {
        "id": 5000 + who,
        "completed_by": who,
        "result": [choice] if selected else [],
        "was_cancelled": selected is None,
        "lead_time": 21.4,
        "created_at": "2026-01-02T03:04:05.600000Z",
    }
