"""How many votes a pair of a batch wants, and which pair is offered first.

Derived from the pair's counted votes, and kept in `batch_pairs.wanted` and `.urgency` so that the
next offer is one step in an index:

- as many votes as the batch's overlap, and those that a lead asked for beyond it, first of all;
- then, while no answer has two thirds of the votes, one more at a time up to the review limit;
- none once a lead has decided or is to decide, and none on a gold pair.

A pair without two thirds comes before all others, then pairs with more votes before those with
fewer. Two thirds is what a consensus needs by default. A pair waits for a lead (`waits`) when it
got all these votes and is still contested, or when a lead sent it there.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.engine import Connection

from storage import tables
from storage.columns import Int64

# more than any number of votes on a pair that still wants some
REVIEWED_FIRST = 1000
FULL = -1

_COUNTERS = ("votes", "votes_a", "votes_b", "decided")

_within = tables.batch_pairs
_batches = tables.batches
_of_batch: BindParameter[str] = bindparam("batch")
_of_pair: BindParameter[str] = bindparam("pair")


def is_contested(votes: Any, for_a: Any, for_b: Any) -> ColumnElement[bool]:
    """Whether a pair has votes and neither answer has two thirds of them."""
    return and_(votes > 0, 3 * for_a < 2 * votes, 3 * for_b < 2 * votes)


def waits_for_lead() -> ColumnElement[bool]:
    """Whether a row of `batch_pairs` waits for a lead."""
    # literal: SQLite uses a partial index only for the very words of its condition
    return _within.c.waits == literal_column("1")


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


def ask(tx: Connection, rows: Select[Any], extra: int = 0, referred: int = 0) -> None:
    """Add to what leads asked for, and derive again what follows from it.

    Args:
        rows: batch id and pair id of those that it is about.
        extra: votes more than the batch's overlap, or fewer.
        referred: 1 to let a lead decide, -1 to take that back.
    """
    chosen = tuple_(_within.c.batch_id, _within.c.pair_id).in_(rows)
    now = _asked() | {"extra": _within.c.extra + extra, "referred": _within.c.referred + referred}
    changed = {"extra": now["extra"], "referred": now["referred"]}
    tx.execute(_within.update().where(chosen).values(**changed, **_derived(**now)))


def _of(column: Any) -> Any:
    return select(column).where(_batches.c.id == _within.c.batch_id).scalar_subquery()


def _derived(
    votes: Any, votes_a: Any, votes_b: Any, decided: Any, extra: Any, referred: Any
) -> dict[str, Any]:
    overlap, limit = _of(_batches.c.overlap) + extra, _of(_batches.c.review_limit)
    contested = is_contested(votes, votes_a, votes_b)
    is_open = and_(decided == 0, _within.c.gold.is_(None))
    closed = or_(~is_open, referred > 0)
    wanted = case(
        (closed, 0),
        (votes < overlap, overlap),
        (and_(contested, votes < limit), votes + 1),
        else_=overlap,
    )
    first = case((contested, votes + REVIEWED_FIRST), else_=votes)
    offered = or_(votes < overlap, and_(contested, votes < limit))
    disputed = and_(contested, ~offered)
    waits = and_(is_open, or_(disputed, referred > 0))
    return {
        "wanted": wanted,
        "urgency": case((and_(~closed, offered), first), else_=FULL),
        "waits": case((waits, 1), else_=0),
    }


def _stepped() -> dict[str, Any]:
    return {name: _within.c[name] + bindparam(f"step_{name}", type_=Int64) for name in _COUNTERS}


def _asked() -> dict[str, Any]:
    return {name: _within.c[name] for name in (*_COUNTERS, "extra", "referred")}


def _count_statement() -> Any:
    counters = _stepped()
    update = _within.update().where(_within.c.batch_id == _of_batch, _within.c.pair_id == _of_pair)
    return update.values(**counters, **_derived(**(_asked() | counters)))


# built once: building them for every vote costs more than running them
_COUNT = _count_statement()
_DERIVE_ALL = _within.update().where(_within.c.batch_id == _of_batch).values(**_derived(**_asked()))
