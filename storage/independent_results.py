"""Independent results: what benchmarks, red-team suites and other tools say of a checkpoint.

They rest on other labels than the pairs of this workspace and are shown beside its own figures,
never among them. A result may have a file of its single items, named by its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import numbered, tables
from storage.errors import DamagedError, WrongInputError
from storage.rows import Json
from storage.workspace import Workspace

FOLDER = "independent"
LONGEST_NAME = 100


class ResultKind(StrEnum):
    """Who measured."""

    OWN = "own"
    IMPORTED = "imported"
    RED_TEAM = "red-team"


@dataclass(frozen=True)
class IndependentResult:
    """What one benchmark says of one checkpoint.

    Attributes:
        checkpoint: id of a checkpoint, or name of a model.
        metrics: name -> {value, ci95, n, labels}; other entries are counts.
        items: file of the single items, relative to the workspace; empty when there are none.
        digest: SHA-256 of that file, or of the file that was imported.
        source: the job, file or batch that it comes from.
        created_at: microseconds.
    """

    number: int
    checkpoint: str
    benchmark: str
    kind: ResultKind
    metrics: Json
    items: str
    digest: str
    source: str
    created_at: int


def add(
    tx: Connection,
    *,
    checkpoint: str,
    benchmark: str,
    kind: ResultKind,
    metrics: Mapping[str, Any],
    items: str,
    digest: str,
    source: str,
) -> IndependentResult:
    """Record a result; the one that is there when the same was recorded before.

    Raises:
        WrongInputError: the benchmark has no name of one line.
    """
    if not benchmark.strip() or len(benchmark) > LONGEST_NAME or not benchmark.isprintable():
        raise WrongInputError(
            f"{benchmark[:LONGEST_NAME]!r} cannot be the name of a benchmark.",
            f"Use one line of 1 to {LONGEST_NAME} characters.",
        )
    row = {
        "checkpoint": checkpoint,
        "benchmark": benchmark,
        "kind": kind.value,
        "metrics": dict(metrics),
        "items": items,
        "digest": digest,
        "source": source,
    }
    known = _same(tx, row)
    if known is not None:
        return known
    number = numbered.append(tx, tables.independent_results, row)
    query = select(tables.independent_results).where(tables.independent_results.c.number == number)
    return _result(tx.execute(query).one())


def listed(db: Connection, checkpoint: str | None = None) -> list[IndependentResult]:
    """Results, newest first; of one checkpoint when asked."""
    table = tables.independent_results
    query = select(table).order_by(table.c.number.desc())
    if checkpoint is not None:
        query = query.where(table.c.checkpoint == checkpoint)
    return [_result(row) for row in db.execute(query)]


def newest(db: Connection, checkpoint: str) -> list[IndependentResult]:
    """The newest result of each benchmark and kind, by the name of the benchmark."""
    found: dict[tuple[str, str], IndependentResult] = {}
    for one in listed(db, checkpoint):
        found.setdefault((one.benchmark, one.kind.value), one)
    return [found[key] for key in sorted(found)]


def of_source(db: Connection, source: str) -> IndependentResult | None:
    """The newest result that comes from a job, file or batch; None when there is none."""
    return next((one for one in listed(db) if one.source == source), None)


def keep_file(workspace: Workspace, text: str) -> tuple[str, str]:
    """Keep a text as a file named by its content: its path in the workspace, and its digest."""
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()
    name = f"{FOLDER}/{digest}.jsonl"
    path = workspace.home / name
    if not path.is_file():
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".partial")
        temporary.write_bytes(data)
        temporary.replace(path)
    return name, digest


def read_file(workspace: Workspace, name: str) -> str:
    """A file that `keep_file` kept.

    Raises:
        DamagedError: it is gone, or its content is another.
    """
    path = workspace.home / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedError(
            f"{path} cannot be read: {error.strerror}.", "Restore it from a backup, or run again."
        ) from error
    if hashlib.sha256(data).hexdigest() != Path(name).stem:
        raise DamagedError(
            f"{path} does not match its SHA-256.", "Restore it from a backup, or run again."
        )
    return data.decode()


def _same(db: Connection, row: Mapping[str, Any]) -> IndependentResult | None:
    table = tables.independent_results
    known = [table.c[name] == value for name, value in row.items() if name != "metrics"]
    query = select(table).where(*known).order_by(table.c.number.desc()).limit(1)
    found = db.execute(query).one_or_none()
    if found is None:
        return None
    result = _result(found)
    return result if result.metrics == row["metrics"] else None


def _result(row: Any) -> IndependentResult:
    values = dict(row._mapping)
    return IndependentResult(**{**values, "kind": ResultKind(values["kind"])})
