"""Pairs of a batch by who had them, so that an offer passes over thousands in one step.

`batch_pairs.had` says as one number who was ever assigned the pair: the exclusive or of a mark of
each annotator, 0 for nobody. Pairs of one urgency with the same number are a group. An annotator
had all of a group or none of it, so looking at one of its pairs tells. Marks have 63 bits: that two
sets of people share a number does not happen.

Parameters of the queries are as in `storage.assignment_queries`.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, case, func, or_, select
from sqlalchemy.engine import Connection

from storage import standing, tables
from storage.assignment_queries import takes_vote, was_assigned
from storage.columns import Int64

_table = tables.assignments
_within = tables.batch_pairs
_seen = _table.alias("seen_in_group")
_of_batch: BindParameter[str] = bindparam("batch")
_of_annotator: BindParameter[str] = bindparam("annotator")
_of_urgency: BindParameter[int] = bindparam("urgency", type_=Int64)
_mark: BindParameter[int] = bindparam("mark", type_=Int64)


def note_assigned(tx: Connection, batch_id: str, pair_id: str, annotator_id: str) -> None:
    """Keep `had` in step before an assignment is recorded; a second one of a person is no news."""
    pair = {"batch": batch_id, "pair": pair_id, "annotator": annotator_id}
    tx.execute(_NOTE, {**pair, "mark": mark(annotator_id)})


def mark(annotator_id: str) -> int:
    """The number of an annotator, 63 bits of a hash."""
    return int.from_bytes(hashlib.sha256(annotator_id.encode()).digest()[:8]) >> 1


def _is_mine(pair_id: Any) -> ColumnElement[bool]:
    mine = select(_seen.c.id).where(
        _seen.c.batch_id == _of_batch,
        _seen.c.pair_id == pair_id,
        _seen.c.annotator_id == _of_annotator,
    )
    return mine.exists()


def _next() -> Select[Any]:
    """The first pair that takes one more vote, in the first group that has one.

    Steps from group to group in an index of (batch, urgency, had, position).
    """
    step, member = _within.alias("step"), _within.alias("member")
    least = select(func.min(step.c.had).label("had")).where(
        step.c.batch_id == _of_batch, step.c.urgency == _of_urgency
    )
    groups = least.cte("groups", recursive=True)
    after = least.where(step.c.had > groups.c.had).correlate(groups).scalar_subquery()
    groups = groups.union_all(select(after).where(groups.c.had.is_not(None)))
    in_group = (member.c.batch_id == _of_batch, member.c.urgency == _of_urgency)
    one = select(member.c.pair_id).where(*in_group, member.c.had == groups.c.had).limit(1)
    free = (
        select(_within.c.pair_id)
        .where(_within.c.batch_id == _of_batch, _within.c.urgency == _of_urgency)
        .where(_within.c.had == groups.c.had, ~was_assigned(_within), takes_vote(_within))
        .order_by(_within.c.position)
        .limit(1)
    )
    # fresh pairs, which nobody had, are no group to leave out
    not_mine = or_(groups.c.had == 0, ~_is_mine(one.correlate(groups).scalar_subquery()))
    found = select(free.correlate(groups).scalar_subquery().label("pair_id")).where(
        groups.c.had.is_not(None), not_mine
    )
    each = found.subquery()
    return select(each.c.pair_id).where(each.c.pair_id.is_not(None)).limit(1)


def _free() -> Select[Any]:
    """Pairs with room for a vote that this annotator never had: an index counts them."""
    group = (
        select(func.count().label("size"), func.min(_within.c.pair_id).label("one"))
        .where(_within.c.batch_id == _of_batch, _within.c.urgency > standing.FULL)
        .group_by(_within.c.urgency, _within.c.had)
        .subquery()
    )
    free = func.sum(case((_is_mine(group.c.one), 0), else_=group.c.size))
    return select(func.coalesce(free, 0))


_NOTE = (
    _within.update()
    .where(_within.c.batch_id == _of_batch, _within.c.pair_id == bindparam("pair"))
    .where(~was_assigned(_within))
    # exclusive or, which SQLite has no operator for
    .values(had=_within.c.had.bitwise_or(_mark) - _within.c.had.bitwise_and(_mark))
)
NEXT = _next()
FREE = _free()
