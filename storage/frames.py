"""Rows of the ledger as columns, without an object around each of millions of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars
from sqlalchemy import Select
from sqlalchemy.engine import Connection

Schema = Mapping[str, polars.DataType | type[polars.DataType]]

_FETCHED = 50_000


def read(db: Connection, query: Select[Any], schema: Schema) -> polars.DataFrame:
    """What a query of plain columns finds, fetched part by part.

    Args:
        schema: name and kind of each column, in the order of the query. A column that SQLAlchemy
            converts (JSON, booleans) comes as the database has it.
    """
    return polars.concat([polars.DataFrame(schema=schema), *parts(db, query, schema)])


def parts(db: Connection, query: Select[Any], schema: Schema) -> Iterator[polars.DataFrame]:
    """The same part by part, for what is not kept as it is."""
    return (of_rows(rows, schema) for rows in _fetched(db, query))


def of_rows(rows: Sequence[Any], schema: Schema) -> polars.DataFrame:
    """Rows, each a sequence of values, as columns."""
    # column by column: taking all rows apart at once is four times slower
    return polars.DataFrame(
        [
            polars.Series(name, [row[at] for row in rows], kind)
            for at, (name, kind) in enumerate(schema.items())
        ],
        schema=schema,
    )


def _fetched(db: Connection, query: Select[Any]) -> Iterator[Sequence[Any]]:
    if db.dialect.name != "sqlite":
        streamed = db.execute(query, execution_options={"stream_results": True})
        yield from streamed.partitions(_FETCHED)
        return
    # SQLite's own cursor streams by itself. Asked to stream, SQLAlchemy would take rows ahead of it
    cursor = db.execute(query).cursor
    assert cursor is not None
    while rows := cursor.fetchmany(_FETCHED):
        yield rows
