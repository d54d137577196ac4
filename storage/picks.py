"""Why a pair is in a batch: what chose it, by which score, with which probability.

For leads only. Annotators get a pair without any of this, or they would judge the choice too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.engine import Connection

from storage import audit_set, clock, identity, tables
from storage.rows import Json

_CHUNK = 500


@dataclass(frozen=True)
class Pick:
    """One pair of a batch.

    Attributes:
        strategy: what chose it; `random` for the part that is drawn by lot.
        score: by that strategy, None where it has none.
        propensity: probability with which it was drawn, above 0 to 1.
        detail: what the choice rested on, such as the job that scored the pair.
        created_at: microseconds; 0 for one that is not recorded yet.
    """

    batch_id: str
    pair_id: str
    strategy: str
    score: float | None
    propensity: float
    detail: Json
    created_at: int = 0


def add(tx: Connection, picks: Sequence[Pick]) -> None:
    """Record why pairs are in a batch."""
    now = clock.now(tx)
    for start in range(0, len(picks), _CHUNK):
        rows = [{**vars(one), "created_at": now} for one in picks[start : start + _CHUNK]]
        tx.execute(tables.picks.insert(), rows)


def of_batch(db: Connection, batch_id: str) -> list[Pick]:
    """What chose the pairs of a batch, the highest score first; those without one come last."""
    table = tables.picks
    query = select(table).where(table.c.batch_id == batch_id)
    found = [Pick(**row._mapping) for row in db.execute(query)]
    return sorted(found, key=lambda one: (one.score is None, -(one.score or 0.0), one.pair_id))


def of_pair(db: Connection, pair_id: str) -> list[Pick]:
    """Every batch that chose a pair, the first one first."""
    table = tables.picks
    query = select(table).where(table.c.pair_id == pair_id).order_by(table.c.created_at)
    return [Pick(**row._mapping) for row in db.execute(query)]


def unlabeled(
    db: Connection, batch_id: str | None = None, categories: Collection[str] | None = None
) -> list[str]:
    """Pairs that nobody has judged or decided in any batch, of one batch or of all, by id.

    Gold pairs are known already, and those of the audit set are never chosen.

    Args:
        categories: only pairs whose prompt is of one of these; of any where it is None.
    """
    within, pair, prompt = tables.batch_pairs, tables.pairs, tables.prompts
    query = _untouched().add_columns(pair.c.prompt_id).order_by(pair.c.id)
    if categories is not None:
        named = select(prompt.c.id).where(prompt.c.category.in_(sorted(categories)))
        query = query.where(pair.c.prompt_id.in_(named))
    if batch_id is not None:
        there = select(within.c.pair_id).where(within.c.batch_id == batch_id)
        query = query.where(pair.c.id.in_(there))
    found = {row.id: row.prompt_id for row in db.execute(query)}
    kept = audit_set.kept(db)
    barred = audit_set.barred_prompts(db, kept, set(found.values()))
    return [one for one, asks in found.items() if one not in kept.pairs and asks not in barred]


def unlabeled_count(db: Connection) -> int:
    """How many pairs nobody has judged, those of the audit set among them: a quick look."""
    return int(db.execute(select(func.count()).select_from(_untouched().subquery())).scalar_one())


def drawn(pair_ids: Sequence[str], most: int, seed: int) -> list[str]:
    """At most so many of them, by lot; the same ids and seed give the same ones, by id."""
    lots = sorted(pair_ids, key=lambda one: identity.digest({"seed": seed, "pair": one}))
    return sorted(lots[:most])


def _untouched() -> Select[Any]:
    within, pair = tables.batch_pairs, tables.pairs
    touched = or_(within.c.votes > 0, within.c.decided > 0, within.c.gold.is_not(None))
    judged = select(within.c.pair_id).where(touched, within.c.pair_id == pair.c.id)
    return select(pair.c.id).where(~judged.exists())
