"""Where the two answers of a pair come from: the checkpoints that gave them, and their round.

An answer can have several sources, because two models may say the same. Of these the one counts
that was recorded last before the pair was made: the pair was made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars
from sqlalchemy import select

from storage import checkpoints, frames, tables
from storage.analytics.coded import Coded
from storage.ledger import Connection

# answers that no checkpoint or model gave
IMPORTED = "imported"
UNKNOWN = "unknown"
_CHECKPOINT = "checkpoint"
_SCHEMA = {
    "pair_id": polars.String,
    "kind": polars.String,
    "name": polars.String,
    "created_at": polars.Int64,
}


@dataclass(frozen=True)
class Origins:
    """By number of the pair (see `Coded.pairs`).

    Attributes:
        checkpoints: who gave the two answers, in alphabetical order: `base and round-1`; once
            where both are of one: `round-1`. A file stands for what came with it.
        rounds: `round 1` for answers of a model that nothing was trained on, `round 2` for those of
            a checkpoint trained once, and so on, by the later one of the two; `imported` where both
            came with files.
    """

    checkpoints: polars.Series
    rounds: polars.Series


def read(db: Connection, coded: Coded) -> Origins:
    """The origins of all pairs. Depends on the pairs, the sources (`noted.mark_of_sources`) and the
    checkpoints, of which none ever changes."""
    named, trained = _checkpoints(db)
    sides = [_side(db, column) for column in ("response_a", "response_b")]
    found = coded.pairs.select("pair_id")
    for side, one in zip("ab", sides, strict=True):
        given = one.rename({"kind": f"kind_{side}", "name": f"name_{side}"})
        found = found.join(given, on="pair_id", how="left", maintain_order="left")
    distinct = found.select("kind_a", "name_a", "kind_b", "name_b").unique()
    words = distinct.with_columns(
        checkpoints=polars.Series([_both(row, named) for row in distinct.iter_rows()]),
        rounds=polars.Series([_round(row, trained) for row in distinct.iter_rows()]),
    )
    on = ["kind_a", "name_a", "kind_b", "name_b"]
    told = found.join(words, on=on, how="left", nulls_equal=True, maintain_order="left")
    return Origins(told["checkpoints"], told["rounds"])


def _checkpoints(db: Connection) -> tuple[Mapping[str, str], Mapping[str, int]]:
    """Id of a checkpoint -> its name, and how many trainings led to it."""
    rows = {row.id: row for row in checkpoints.listed(db)}
    trained: dict[str, int] = {}
    for row in sorted(rows.values(), key=lambda row: row.created_at):
        below = [row]
        while below[-1].parent in rows:
            below.append(rows[below[-1].parent])
        trained[row.id] = len(below)
    return {row.id: row.name for row in rows.values()}, trained


def _side(db: Connection, column: str) -> polars.DataFrame:
    """Pair id, kind and name of the source of one of its answers."""
    pair, source = tables.pairs, tables.response_sources
    query = (
        select(pair.c.id, source.c.kind, source.c.name, source.c.created_at)
        .join(source, source.c.response_id == pair.c[column])
        .where(source.c.created_at <= pair.c.created_at)
    )
    found = frames.of_rows(db.execute(query).all(), _SCHEMA)
    latest = found.sort("created_at", "kind", "name").unique("pair_id", keep="last")
    return latest.drop("created_at")


def _both(row: tuple[str | None, ...], named: Mapping[str, str]) -> str:
    kind_a, name_a, kind_b, name_b = row
    sides = {_one(kind_a, name_a, named), _one(kind_b, name_b, named)}
    return " and ".join(sorted(sides))


def _one(kind: str | None, name: str | None, named: Mapping[str, str]) -> str:
    if kind is None or name is None:
        return UNKNOWN
    return named.get(name, name) if kind == _CHECKPOINT else f"{kind} {name}"


def _round(row: tuple[str | None, ...], trained: Mapping[str, int]) -> str:
    kind_a, name_a, kind_b, name_b = row
    given = [name for kind, name in ((kind_a, name_a), (kind_b, name_b)) if kind == _CHECKPOINT]
    if not given:
        return IMPORTED if kind_a or kind_b else UNKNOWN
    return f"round {1 + max(trained.get(str(name), 0) for name in given)}"
