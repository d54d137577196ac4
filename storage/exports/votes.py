"""Raw votes as one file: every vote and undo with its assignment, sides and times.

Times are text, ISO 8601 in UTC, empty where a file that brought a vote did not say.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.engine import Connection

from storage import batches, exclusions, identity, tables
from storage.errors import WrongInputError
from storage.exclusions import Exclusions
from storage.exports import manifest, spreadsheets
from storage.exports.manifest import Manifest
from storage.rows import AssignmentKind, EffectiveVote, Verdict
from storage.workspace import Workspace

FORMATS = ("parquet", "csv", "jsonl")
COLUMNS = (
    *("event_id", "batch", "pair_id", "category", "annotator", "assignment_kind", "sequence"),
    *("kind", "verdict", "effective", "excluded", "left", "confidence", "note", "rubric"),
    *("failures", "shown_at", "decided_at", "received_at", "active_ms"),
)
# what `excluded` says where the reason may name somebody who is to stay unknown
UNTOLD = "yes"
_NUMBERS = ("sequence", "confidence", "active_ms")
_JSON = ("rubric", "failures")
_TIMES = ("shown_at", "decided_at", "received_at")
_SLICE = 5000

Row = dict[str, Any]


@dataclass(frozen=True)
class VotesExport:
    """What was written.

    Attributes:
        counts: `votes`, `undos`, `effective`, each verdict of the effective votes, and how many of
            them are `excluded`.
    """

    file: Path
    manifest: Path
    format: str
    digest: str
    counts: Mapping[str, int]


def export(
    workspace: Workspace,
    out: Path,
    form: str,
    batch: str | None = None,
    licence: str = manifest.UNSTATED,
    pseudonyms: bool = False,
) -> VotesExport:
    """Write the votes of one batch, or of all, into a new file with a manifest beside it.

    Args:
        form: one of `FORMATS`.
        licence: what the manifest says of it.
        pseudonyms: annotators appear under names that only this workspace can tell apart from
            others, the same in every export.

    Raises:
        WrongInputError: the format is unknown, the file is there or cannot be made.
        NotFoundError: there is no such batch.
    """
    if form not in FORMATS:
        raise WrongInputError(f"There is no format {form[:40]!r}.", f"Use {', '.join(FORMATS)}.")
    beside = out.with_name(f"{out.name}.{manifest.NAME}")
    secret = workspace.secret() if pseudonyms else b""
    counts: Counter[str] = Counter()
    total = hashlib.sha256()
    with workspace.ledger.read() as db, _new(out, beside) as (making, about):
        batch_id = None if batch is None else batches.get(db, batch).id
        rows = _counted(_rows(db, batch_id, secret), counts, total.update)
        _WRITERS[form](rows, making)
        asked = {"batch": batch, "pseudonyms": pseudonyms}
        if form == "csv":
            asked["csv"] = spreadsheets.MEANING
        said = Manifest(f"votes as {form}", total.hexdigest(), asked, dict(counts), "", licence)
        manifest.write(about, said)
    return VotesExport(out.absolute(), beside.absolute(), form, total.hexdigest(), dict(counts))


def _rows(db: Connection, batch_id: str | None, secret: bytes) -> Iterator[Row]:
    query = _query()
    if batch_id is not None:
        query = query.where(tables.assignments.c.batch_id == batch_id)
    left_out = exclusions.in_force(db)
    for found in db.execute(query.execution_options(yield_per=_SLICE)):
        row = dict(found._mapping)
        row["effective"] = bool(row["effective"]) and row["kind"] == "vote"
        row["excluded"] = _excluded(row, left_out) if row["kind"] == "vote" else ""
        if secret and row["excluded"]:
            row["excluded"] = UNTOLD
        if secret:
            row["annotator"] = _pseudonym(secret, row["annotator"])
        for name in _JSON:
            value = row[name]
            row[name] = None if value is None else identity.canonical_json(value).decode()
        for name in _TIMES:
            row[name] = _time(row[name])
        yield {name: row[name] for name in COLUMNS}


def _excluded(row: Row, left_out: Exclusions) -> str:
    """Why a vote does not count, empty when it does."""
    if not left_out:
        return ""
    return left_out.why(
        EffectiveVote(
            assignment_id=row["assignment_id"],
            batch_id=row["batch_id"],
            pair_id=row["pair_id"],
            annotator=row["annotator"],
            verdict=Verdict(row["verdict"]),
            left=row["left"],
            received_at=row["received_at"],
            kind=AssignmentKind(row["assignment_kind"]),
        )
    )


def _query() -> Select[Any]:
    vote, assignment, later = tables.votes, tables.assignments, tables.votes.alias("later")
    undone = exists().where(
        later.c.assignment_id == vote.c.assignment_id, later.c.sequence > vote.c.sequence
    )
    columns = [vote.c[name] for name in ("event_id", "sequence", "kind", "verdict", "note")]
    columns += [vote.c[name] for name in (*_JSON, "confidence", *_TIMES, "active_ms")]
    return (
        select(
            *columns,
            vote.c.assignment_id,
            assignment.c.batch_id,
            tables.batches.c.name.label("batch"),
            assignment.c.pair_id,
            assignment.c.left,
            assignment.c.kind.label("assignment_kind"),
            tables.prompts.c.category,
            tables.annotators.c.name.label("annotator"),
            (~undone).label("effective"),
        )
        .join(assignment, assignment.c.id == vote.c.assignment_id)
        .join(tables.batches, tables.batches.c.id == assignment.c.batch_id)
        .join(tables.annotators, tables.annotators.c.id == assignment.c.annotator_id)
        .join(tables.pairs, tables.pairs.c.id == assignment.c.pair_id)
        .join(tables.prompts, tables.prompts.c.id == tables.pairs.c.prompt_id)
        .order_by(vote.c.received_at, vote.c.event_id)
    )


def _counted(
    rows: Iterable[Row], counts: Counter[str], update: Callable[[bytes], None]
) -> Iterator[Row]:
    for row in rows:
        update(identity.canonical_json(row) + b"\n")
        counts["votes" if row["kind"] == "vote" else "undos"] += 1
        if row["effective"]:
            counts.update(("effective", row["verdict"]))
            counts.update(["excluded"] if row["excluded"] else [])
        yield row


def _write_lines(rows: Iterable[Row], path: Path) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_csv(rows: Iterable[Row], path: Path) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow(
                spreadsheets.safe(cell) if isinstance(cell, str) else cell for cell in row.values()
            )


def _write_parquet(rows: Iterable[Row], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {**dict.fromkeys(_NUMBERS, pa.int64()), "effective": pa.bool_()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for some in _slices(rows):
            writer.write_table(pa.Table.from_pylist(some, schema=schema))


_WRITERS: Mapping[str, Callable[[Iterable[Row], Path], None]] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "jsonl": _write_lines,
}


def _slices(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    some: list[Row] = []
    for row in rows:
        some.append(row)
        if len(some) == _SLICE:
            yield some
            some = []
    if some:
        yield some


@contextmanager
def _new(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Files beside their places, moved there together when the block ends well, else removed."""
    there = next((path for path in paths if path.exists()), None)
    if there is not None:
        raise WrongInputError(f"{there} is already there.", "Give a file that is new.")
    making = tuple(path.with_name(f".{path.name}.partial") for path in paths)
    try:
        for path in making:
            path.unlink(missing_ok=True)
        yield making
        for path, out in zip(making, paths, strict=True):
            path.rename(out)
    except OSError as problem:
        raise WrongInputError(
            f"{paths[0]} cannot be written: {problem.strerror}.", "Give another file."
        ) from problem
    finally:
        for path in making:
            path.unlink(missing_ok=True)


def _pseudonym(secret: bytes, name: str) -> str:
    return "annotator-" + hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()[:12]


def _time(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, UTC).isoformat() if micros else ""
