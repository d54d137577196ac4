"""The rows of a dataset version: their canonical form, their digest, and their Parquet file.

The columns are those that TRL reads (`prompt`, `chosen`, `rejected`, `images`) and our own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from storage import identity, prompts
from storage.errors import DamagedError, WrongInputError
from storage.rows import DatasetRow, Part, Prompt, Turn

_PART = pa.struct([("type", pa.string()), ("text", pa.string()), ("media", pa.string())])
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(_PART))]))
SCHEMA = pa.schema(
    [
        ("prompt", _MESSAGES),
        ("chosen", _MESSAGES),
        ("rejected", _MESSAGES),
        ("images", pa.list_(pa.string())),
        ("videos", pa.list_(pa.string())),
        ("pair_id", pa.string()),
        ("category", pa.string()),
        ("split", pa.string()),
        ("labels", pa.string()),
        ("votes", pa.int64()),
        ("confidence", pa.float64()),
        ("record_id", pa.string()),
    ]
)


def digest(rows: Sequence[DatasetRow]) -> str:
    """SHA-256 over the sorted canonical rows: the same rows in any order, on any machine."""
    total = hashlib.sha256()
    for line in sorted(identity.canonical_json(_record(row)) for row in rows):
        total.update(line + b"\n")
    return total.hexdigest()


def write_parquet(rows: Sequence[DatasetRow], path: Path) -> None:
    """Write the rows in their order."""
    table = pa.Table.from_pylist([_record(row) for row in rows], schema=SCHEMA)
    pq.write_table(table, path, compression="zstd")


def read_parquet(path: Path) -> list[DatasetRow]:
    """The rows of a file in their order.

    Raises:
        DamagedError: the file is missing, or no Parquet file with these columns.
    """
    try:
        records = pq.read_table(path, schema=SCHEMA).to_pylist()
        rows = [_row(record) for record in records]
        for record, row in zip(records, rows, strict=True):
            if _record(row) != record:
                raise ValueError(f"the columns of pair {row.pair_id} contradict each other")
        return rows
    except (
        OSError,
        ValueError,
        pa.ArrowException,
        TypeError,
        IndexError,
        WrongInputError,
    ) as problem:
        raise DamagedError(
            f"The dataset file {path} cannot be read: {str(problem)[:200]}.",
            "Build the dataset version again, or restore the file from a backup.",
        ) from problem


def split_of(path: Path, pair_id: str) -> str:
    """In which split of a file a pair is, empty when it is in none. Reads two columns.

    Raises:
        DamagedError: the file is missing, or no Parquet file with these columns.
    """
    try:
        found = pq.read_table(path, columns=["split"], filters=[("pair_id", "=", pair_id)])
        return str(found["split"][0]) if len(found) else ""
    except (OSError, ValueError, KeyError, pa.ArrowException) as problem:
        raise DamagedError(
            f"The dataset file {path} cannot be read: {str(problem)[:200]}.",
            "Build the dataset version again, or restore the file from a backup.",
        ) from problem


def _record(row: DatasetRow) -> dict[str, Any]:
    """A row as Parquet and the digest see it."""
    return {
        "prompt": [_message(turn) for turn in row.prompt.turns],
        "chosen": [_answer(row.chosen)],
        "rejected": [_answer(row.rejected)],
        "images": _media(row.prompt, "image"),
        "videos": _media(row.prompt, "video"),
        "pair_id": row.pair_id,
        "category": row.prompt.category,
        "split": row.split,
        "labels": row.labels,
        "votes": int(row.votes),
        "confidence": float(row.confidence),
        "record_id": row.record_id,
    }


def _message(turn: Turn) -> dict[str, Any]:
    return {"role": turn.role, "content": [_part(part) for part in turn.parts]}


def _part(part: Part) -> dict[str, str | None]:
    is_text = part.type == "text"
    return {
        "type": part.type,
        "text": part.text if is_text else None,
        "media": None if is_text else part.media,
    }


def _answer(text: str) -> dict[str, Any]:
    return _message(Turn("assistant", (Part("text", text=text),)))


def _media(prompt: Prompt, kind: str) -> list[str]:
    return [part.media for turn in prompt.turns for part in turn.parts if part.type == kind]


def _row(record: dict[str, Any]) -> DatasetRow:
    turns = [
        Turn(
            message["role"],
            tuple(
                Part(part["type"], text=part["text"] or "", media=part["media"] or "")
                for part in message["content"]
            ),
        )
        for message in record["prompt"]
    ]
    return DatasetRow(
        pair_id=record["pair_id"],
        prompt=prompts.build(turns, record["category"]),
        chosen=record["chosen"][0]["content"][0]["text"],
        rejected=record["rejected"][0]["content"][0]["text"],
        labels=record["labels"],
        votes=record["votes"],
        confidence=record["confidence"],
        record_id=record["record_id"],
        split=record["split"],
    )
