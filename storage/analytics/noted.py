"""Which pairs have what only the ledger tells: sources of answers, reports, kinds of failure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars
from sqlalchemy import func, literal_column, select

from storage import pair_filters, tables
from storage.analytics.coded import Coded, Mask
from storage.ledger import Connection
from storage.pair_filters import PairFilter


def from_source(db: Connection, coded: Coded, name: str) -> Mask:
    """Which pairs have an answer from a file or checkpoint. Depends on the pairs and
    `mark_of_sources` only."""
    query = select(tables.pairs.c.id).where(pair_filters.from_source(name))
    return _mask(coded, db.scalars(query))


def reported(db: Connection, coded: Coded, which: str) -> Mask:
    """Which pairs have a report; `which` is one of `pair_filters.REPORTS`."""
    return _mask(coded, pair_filters.reported(db, which))


def failing(db: Connection, coded: Coded, chosen: PairFilter) -> Mask:
    """Which pairs have a vote with this kind of failure and all else that is asked of votes."""
    return _mask(coded, db.scalars(pair_filters.voted_on(chosen)))


def sources(db: Connection) -> list[str]:
    """The names of files and checkpoints that answers come from, in alphabetical order."""
    column = tables.response_sources.c.name
    return sorted(db.execute(select(column).distinct()).scalars())


def mark_of_sources(db: Connection) -> int:
    """A number that grows with every source of an answer; on SQLite found without a scan."""
    table = tables.response_sources
    is_sqlite = db.dialect.name == "sqlite"
    number = func.max(literal_column("rowid")) if is_sqlite else func.count()
    return int(db.execute(select(number).select_from(table)).scalar_one() or 0)


def _mask(coded: Coded, pair_ids: Iterable[str]) -> Mask:
    """A pair that came after the columns were read is not in them."""
    found = polars.Series("pair_id", list(pair_ids), polars.String)
    if found.is_empty():
        return np.zeros(coded.pairs.height, np.bool_)
    return coded.pairs["pair_id"].is_in(found.implode()).to_numpy()
