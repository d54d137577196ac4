"""Which votes name what as wrong with the worse answer: read once, then only what came since."""

from __future__ import annotations

import json
import threading
from typing import Any

import polars
from sqlalchemy import ColumnElement, Text, func, literal_column, select, type_coerce

from storage import frames, identity, tables
from storage.analytics import noted
from storage.analytics.coded import NUMBER, Coded, Mask
from storage.ledger import Connection
from storage.pair_filters import PairFilter

_SCHEMA = {
    **dict.fromkeys(("pair_id", "batch", "annotator", "kind", "verdict"), polars.String),
    "received_at": polars.Int64,
    "failures": polars.String,
}
_VOTE = ["pair", "batch", "annotator", "kind", "received_at"]


class Failures:
    """Follows the votes with failures of one ledger. Safe to share between threads."""

    def __init__(self) -> None:
        self._rows = polars.DataFrame(schema=_SCHEMA)
        self._read_to = 0
        self._lock = threading.Lock()

    def mask(self, db: Connection, coded: Coded, chosen: PairFilter) -> Mask:
        """Which pairs have a vote, not undone, with the kind of failure of a filter and with all
        else that it asks of votes."""
        if db.dialect.name != "sqlite":
            # nothing there tells for sure what came since
            return noted.failing(db, coded, chosen)
        near = self._refreshed(db).filter(_asked(chosen))
        known = coded.pairs.select("pair_id").with_row_index("pair")
        # a pair that came after the columns were read is not in them
        said = near.join(known, on="pair_id", how="inner").with_columns(
            polars.col("pair").cast(NUMBER)
        )
        is_near = coded.mask(said["pair"].to_numpy())[coded.votes["pair"].to_numpy()]
        votes = coded.named(coded.votes.filter(polars.Series(is_near)))
        stands = votes.with_columns(polars.col("batch", "annotator", "kind").cast(polars.String))
        return coded.mask(said.join(stands, on=_VOTE, how="semi")["pair"].to_numpy())

    def _refreshed(self, db: Connection) -> polars.DataFrame:
        with self._lock:
            vote, assignment, who = tables.votes, tables.assignments, tables.annotators
            number: ColumnElement[int] = literal_column("votes.rowid")
            said = type_coerce(vote.c.failures, Text)
            named: list[Any] = [assignment.c.pair_id, assignment.c.batch_id, who.c.name]
            named += [assignment.c.kind, vote.c.verdict, vote.c.received_at, said]
            query = (
                select(number, *named)
                .join(assignment, assignment.c.id == vote.c.assignment_id)
                .join(who, who.c.id == assignment.c.annotator_id)
                .where(
                    number > self._read_to, vote.c.kind == "vote", said.is_not(None), said != "[]"
                )
                .order_by(number)
            )
            rows = [tuple(row) for row in db.execute(query)]
            if rows:
                fresh = frames.of_rows([row[1:] for row in rows], _SCHEMA)
                self._rows = polars.concat([self._rows, fresh], rechunk=True)
            last = db.execute(select(func.max(number)).select_from(vote)).scalar()
            # another reader may have seen more
            self._read_to = max(self._read_to, int(last or 0))
            return self._rows


def _asked(chosen: PairFilter) -> polars.Expr:
    """A list of keys is kept as text: the key stands there in quotes."""
    key = json.dumps(chosen.failure, ensure_ascii=False)
    asked = [polars.col("failures").str.contains(key, literal=True)]
    if chosen.batch:
        asked.append(polars.col("batch") == identity.batch_id(chosen.batch))
    for name in ("annotator", "verdict"):
        if wanted := getattr(chosen, name):
            asked.append(polars.col(name) == wanted)
    low, high = chosen.voted_between
    asked += [polars.col("received_at") >= low, polars.col("received_at") < high]
    return polars.all_horizontal(asked)
