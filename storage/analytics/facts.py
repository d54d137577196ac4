"""What the ledger hands to analytics: votes, pairs, members of batches, and names.

Votes and pairs are logs: rows are only added, each with the time of its statement, so a reader that
has seen everything up to a time asks for what came after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars
from sqlalchemy import ColumnElement, Executable, Select, func, select, text

from storage import excluded_pairs, frames, tables
from storage.ledger import Connection
from storage.segments import SegmentKind

# SQLite takes a limited number of parameters in one statement
_CHUNK = 1000

Schema = Mapping[str, type[polars.DataType]]


@dataclass(frozen=True)
class Log:
    """Rows that are only ever added.

    Attributes:
        kind: under which it is sealed.
        time, name: columns: microseconds UTC when a row was added, and what tells rows apart.
    """

    kind: SegmentKind
    time: str
    name: str
    schema: Schema
    query: Callable[[], Select[Any]]
    time_column: ColumnElement[int]
    name_column: ColumnElement[str]
    row: Callable[[Any], Sequence[Any]] = tuple

    def after(self, db: Connection, low: int, high: int | None = None) -> polars.DataFrame:
        """The rows with `low < time <= high`, by time and name."""
        query = self.query().where(self.time_column > low)
        if high is not None:
            query = query.where(self.time_column <= high)
        return self._frame(_fetched(db, query)).sort(self.time, self.name)

    def reach(self, db: Connection, low: int, high: int, rows: int) -> int:
        """The time, at most `high`, up to which there are about so many rows above `low`."""
        query = select(self.time_column).where(self.time_column > low, self.time_column <= high)
        nth = query.order_by(self.time_column).offset(rows - 1).limit(1)
        found = db.execute(nth).scalar_one_or_none()
        return high if found is None else int(found)

    def count(self, db: Connection) -> int:
        """Number of rows."""
        name = self.kind.value
        if name in tables.APPEND_ONLY and db.dialect.name == "sqlite":
            # nothing leaves the table, so that the largest row number counts millions at once
            return int(db.execute(_LARGEST[name]).scalar_one())
        query = select(func.count()).select_from(self.name_column.table)
        return int(db.execute(query).scalar_one())

    def count_above(self, db: Connection, low: int) -> int:
        """Number of rows after a time."""
        query = select(func.count()).where(self.time_column > low)
        return int(db.execute(query).scalar_one())

    def missing(self, db: Connection, known: polars.Series, high: int | None) -> polars.DataFrame:
        """The rows up to `high` whose names are not among `known`. Reads every name."""
        query = select(self.name_column)
        if high is not None:
            query = query.where(self.time_column <= high)
        names = polars.Series(self.name, db.execute(query).scalars().all(), polars.String)
        lost = names.filter(~names.is_in(known.implode())).to_list()
        rows: list[Any] = []
        for start in range(0, len(lost), _CHUNK):
            chunk = lost[start : start + _CHUNK]
            rows.extend(db.execute(self.query().where(self.name_column.in_(chunk))))
        return self._frame(rows).sort(self.time, self.name)

    def empty(self) -> polars.DataFrame:
        return polars.DataFrame(schema=self.schema)

    def _frame(self, rows: Sequence[Any]) -> polars.DataFrame:
        plain = rows if self.row is tuple else [self.row(row) for row in rows]
        return frames.of_rows(plain, self.schema)


def _fetched(db: Connection, query: Select[Any]) -> Sequence[Any]:
    """The rows of a query whose columns are plain: without an object around each of 100,000."""
    cursor = db.execute(query).cursor
    assert cursor is not None
    rows: Sequence[Any] = cursor.fetchall()
    return rows


def _votes() -> Select[Any]:
    vote, assignment, annotator = tables.votes, tables.assignments, tables.annotators
    return (
        select(
            vote.c.event_id,
            vote.c.assignment_id,
            vote.c.sequence,
            vote.c.kind,
            vote.c.verdict,
            vote.c.shown_at,
            vote.c.decided_at,
            vote.c.active_ms,
            vote.c.received_at,
            assignment.c.batch_id,
            assignment.c.pair_id,
            annotator.c.name,
            assignment.c.kind,
            assignment.c.left,
        )
        .join(assignment, assignment.c.id == vote.c.assignment_id)
        .join(annotator, annotator.c.id == assignment.c.annotator_id)
    )


def _pairs() -> Select[Any]:
    pair, prompt = tables.pairs, tables.prompts
    one, other = tables.responses.alias("answer_a"), tables.responses.alias("answer_b")
    texts = (prompt.c.text, one.c.text, other.c.text)
    return (
        select(pair.c.id, pair.c.prompt_id, prompt.c.category, *texts, pair.c.created_at)
        .join(prompt, prompt.c.id == pair.c.prompt_id)
        .join(one, one.c.id == pair.c.response_a)
        .join(other, other.c.id == pair.c.response_b)
    )


def _pair_row(row: Any) -> tuple[Any, ...]:
    pair_id, prompt_id, category, *texts, created_at = row
    # by Python, because the databases differ in what they take for letters
    return pair_id, prompt_id, category, "\n".join(texts).lower(), created_at


VOTES = Log(
    kind=SegmentKind.VOTES,
    time="received_at",
    name="event_id",
    schema={
        "event_id": polars.String,
        "assignment_id": polars.String,
        "sequence": polars.Int64,
        "kind": polars.String,
        "verdict": polars.String,
        "shown_at": polars.Int64,
        "decided_at": polars.Int64,
        "active_ms": polars.Int64,
        "received_at": polars.Int64,
        "batch_id": polars.String,
        "pair_id": polars.String,
        "annotator": polars.String,
        "assignment_kind": polars.String,
        "left": polars.String,
    },
    query=_votes,
    time_column=tables.votes.c.received_at,
    name_column=tables.votes.c.event_id,
)
PAIRS = Log(
    kind=SegmentKind.PAIRS,
    time="created_at",
    name="pair_id",
    schema={
        "pair_id": polars.String,
        "prompt_id": polars.String,
        "category": polars.String,
        # prompt and both answers in small letters, for search
        "words": polars.String,
        "created_at": polars.Int64,
    },
    query=_pairs,
    row=_pair_row,
    time_column=tables.pairs.c.created_at,
    name_column=tables.pairs.c.id,
)
SEALED = (VOTES, PAIRS)

_WATCHED = {
    "votes": tables.votes,
    "pairs": tables.pairs,
    "labels": tables.imported_labels,
    "members": tables.batch_pairs,
    "exclusions": tables.exclusions,
}
_LARGEST: Mapping[str, Executable] = {
    name: text(f"SELECT coalesce(max(rowid), 0) FROM {table.name}")  # noqa: S608
    for name, table in _WATCHED.items()
}
_COUNTS: Mapping[str, Executable] = {
    name: select(func.count()).select_from(table) for name, table in _WATCHED.items()
}


def member_counts(db: Connection) -> dict[str, int]:
    """Batch -> its number of pairs."""
    table = tables.batch_pairs
    query = select(table.c.batch_id, func.count()).group_by(table.c.batch_id)
    return {batch: int(count) for batch, count in db.execute(query)}


def members(db: Connection, batch_id: str) -> polars.Series:
    """The pairs of a batch, by their position."""
    table = tables.batch_pairs
    # sorted here: from an index with both columns they come in half the time
    query = select(table.c.pair_id, table.c.position).where(table.c.batch_id == batch_id)
    schema = {"pair_id": polars.String, "position": polars.String}
    return frames.of_rows(_fetched(db, query), schema).sort("position")["pair_id"]


def labeled(db: Connection) -> dict[str, int]:
    """Batch -> its number of pairs with an imported label."""
    label = tables.imported_labels.c
    query = select(label.batch_id, func.count(label.pair_id.distinct())).group_by(label.batch_id)
    return {batch: int(count) for batch, count in db.execute(query)}


def batch_ids(db: Connection) -> list[str]:
    """The ids of all batches."""
    return list(db.execute(select(tables.batches.c.id)).scalars())


def annotator_names(db: Connection) -> list[str]:
    """The names of all annotators."""
    return list(db.execute(select(tables.annotators.c.name)).scalars())


def marks(db: Connection) -> dict[str, int]:
    """For everything that is watched a number that grows with every row.

    On SQLite the largest row number, which is found without a scan: rows of these tables are never
    removed. PostgreSQL has none, so the rows are counted.
    """
    queries = _LARGEST if db.dialect.name == "sqlite" else _COUNTS
    found = {name: int(db.execute(query).scalar_one()) for name, query in queries.items()}
    return {**found, "excluded_pairs": excluded_pairs.mark(db)}
