"""How many votes a pair of a batch wants, and which pair is offered first.

Derived from the pair's counted votes, and kept in `batch_pairs.wanted` and `.urgency` so that the
next offer is one step in an index:

- as many votes as the batch's overlap, first of all;
- then, while no answer has two thirds of the votes, one more at a time up to the review limit;
- none once a lead has decided, and none on a gold pair.

A pair without two thirds comes before all others, then pairs with more votes before those with
fewer. Two thirds is what a consensus needs by default.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, case, or_, select
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import Int64

# more than any number of votes on a pair that still wants some
REVIEWED_FIRST = 1000
FULL = -1

_within = tables.batch_pairs
_batches = tables.batches
_of_batch: BindParameter[str] = bindparam("batch")
_of_pair: BindParameter[str] = bindparam("pair")


def is_contested(votes: Any, for_a: Any, for_b: Any) -> ColumnElement[bool]:
    """Whether a pair has votes and neither answer has two thirds of them."""
    return and_(votes > 0, 3 * for_a < 2 * votes, 3 * for_b < 2 * votes)


def waits_for_lead() -> ColumnElement[bool]:
    """Whether a row of `batch_pairs` got all its votes and is still contested."""
    row = _within.c
    contested = is_contested(row.votes, row.votes_a, row.votes_b)
    return and_(contested, row.votes >= row.wanted, row.decided == 0, row.gold.is_(None))


def count(tx: Connection, batch_id: str, pair_id: str, **steps: int) -> None:
    """Add `steps` to the counters of a pair (`votes`, `votes_a`, `votes_b`, `decided`) and derive
    again what follows from them."""
    none = dict.fromkeys(("step_votes", "step_votes_a", "step_votes_b", "step_decided"), 0)
    given = {f"step_{name}": step for name, step in steps.items()}
    tx.execute(_COUNT, {"batch": batch_id, "pair": pair_id, **none, **given})


def derive(tx: Connection, batch_id: str, pair_id: str | None = None) -> None:
    """Derive wanted votes and urgency again, for one pair or for a whole batch."""
    if pair_id is None:
        tx.execute(_DERIVE_ALL, {"batch": batch_id})
    else:
        count(tx, batch_id, pair_id)


def _of(column: Any) -> Any:
    return select(column).where(_batches.c.id == _within.c.batch_id).scalar_subquery()


def _derived(votes: Any, for_a: Any, for_b: Any, decided: Any) -> dict[str, Any]:
    overlap, limit = _of(_batches.c.overlap), _of(_batches.c.review_limit)
    contested = is_contested(votes, for_a, for_b)
    closed = or_(decided > 0, _within.c.gold.is_not(None))
    wanted = case(
        (closed, 0),
        (votes < overlap, overlap),
        (and_(contested, votes < limit), votes + 1),
        else_=overlap,
    )
    first = case((contested, votes + REVIEWED_FIRST), else_=votes)
    open_ = and_(~closed, or_(votes < overlap, and_(contested, votes < limit)))
    return {"wanted": wanted, "urgency": case((open_, first), else_=FULL)}


def _stepped() -> dict[str, Any]:
    names = ("votes", "votes_a", "votes_b", "decided")
    return {name: _within.c[name] + bindparam(f"step_{name}", type_=Int64) for name in names}


def _count_statement() -> Any:
    counters = _stepped()
    update = _within.update().where(_within.c.batch_id == _of_batch, _within.c.pair_id == _of_pair)
    return update.values(**counters, **_derived(*counters.values()))


# built once: building them for every vote costs more than running them
_COUNT = _count_statement()
_DERIVE_ALL = (
    _within.update()
    .where(_within.c.batch_id == _of_batch)
    .values(**_derived(*(_within.c[name] for name in ("votes", "votes_a", "votes_b", "decided"))))
)
