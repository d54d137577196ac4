"""The queries of `storage.assignments`, built once: building them costs more than running them.

Parameters: `batch`, `annotator`, `assignment` are ids; `now` is microseconds.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
)

from storage import standing, tables
from storage.rows import AssignmentKind

_table = tables.assignments
_within = tables.batch_pairs
_batch = tables.batches
_held = _table.alias("held")
_seen = _table.alias("seen")

_of_batch: BindParameter[str] = bindparam("batch")
_of_annotator: BindParameter[str] = bindparam("annotator")
_now: BindParameter[int] = bindparam("now")
_is_normal = _table.c.kind == AssignmentKind.NORMAL.value
# what a lead decides elsewhere is not on an annotator's desk; a qualification round comes before it
_OFF_DESK = (AssignmentKind.ADJUDICATION.value, AssignmentKind.QUALIFICATION.value)
# not NOT IN, whose list is written anew for every execution
_on_desk = and_(*(_table.c.kind != kind for kind in _OFF_DESK))


def _same_pair(one: Any, other: Any) -> ColumnElement[bool]:
    same: ColumnElement[bool] = (one.c.batch_id == other.c.batch_id) & (
        one.c.pair_id == other.c.pair_id
    )
    return same


def _is_held(assignment: Any) -> tuple[ColumnElement[bool], ...]:
    """Conditions of a running lease of somebody else that holds a place."""
    return (
        assignment.c.annotator_id != _of_annotator,
        assignment.c.kind == AssignmentKind.NORMAL.value,
        assignment.c.answered_at.is_(None),
        assignment.c.leased_until > _now,
    )


def was_assigned(outer: Any) -> ColumnElement[bool]:
    """Whether the annotator ever had the pair of the outer query."""
    mine = select(_seen.c.id).where(_same_pair(_seen, outer), _seen.c.annotator_id == _of_annotator)
    return mine.exists()


def takes_vote(within: Any) -> ColumnElement[bool]:
    """Whether votes and the running leases of others leave a place in a pair of `batch_pairs`."""
    leases = select(func.count()).where(_same_pair(_held, within), *_is_held(_held))
    free: ColumnElement[bool] = within.c.votes + leases.scalar_subquery() < within.c.wanted
    return free


_has_room = takes_vote(_within)

_columns = [column for column in _table.c if column.name != "answered_at"]
_mine = (_table.c.batch_id == _of_batch, _table.c.annotator_id == _of_annotator)

# offers of one batch take turns on PostgreSQL; SQLite has one writer and ignores this
BATCH_LOCKED = select(_batch.c.id).where(_batch.c.id == _of_batch).with_for_update()

ONE = select(*_columns).where(_table.c.id == bindparam("assignment"))
# without ORDER BY: with it, SQLite walks everything this annotator ever had, by sequence
OPEN = (
    select(*_columns)
    .join(_within, _same_pair(_within, _table))
    .where(*_mine, _on_desk, _table.c.answered_at.is_(None))
    .where(~_is_normal | (_table.c.leased_until > _now) | _has_room)
)
LAST_ANSWERED = (
    select(*_columns)
    .where(*_mine, _on_desk, _table.c.answered_at.is_not(None))
    .order_by(_table.c.answered_at.desc(), _table.c.sequence.desc())
    .limit(1)
)
LAST_SEQUENCE = select(func.max(_table.c.sequence)).where(*_mine)
ROOM = select(_has_room).where(
    _within.c.batch_id == _of_batch, _within.c.pair_id == bindparam("pair")
)

# whoever is ahead of the others had all the first ones: the rest is for `storage.had_groups`
_LOOKED_AT = 32


def _first_of_each_urgency() -> Select[Any]:
    """Urgency, the first of its first pairs that takes one more vote or null, and whether it has
    more pairs than those: from the most urgent on, by steps in an index of (batch, urgency,
    position)."""
    level = _within.alias("level")
    most = select(func.max(level.c.urgency).label("urgency")).where(
        level.c.batch_id == _of_batch, level.c.urgency > standing.FULL
    )
    levels = most.cte("levels", recursive=True)
    below = most.where(level.c.urgency < levels.c.urgency).correlate(levels).scalar_subquery()
    levels = levels.union_all(select(below).where(levels.c.urgency.is_not(None)))
    of_level = (_within.c.batch_id == _of_batch, _within.c.urgency == levels.c.urgency)
    names = ("batch_id", "pair_id", "position", "votes", "wanted")
    ordered = select(*(_within.c[name] for name in names)).where(*of_level).correlate(levels)
    first = ordered.order_by(_within.c.position).limit(_LOOKED_AT).subquery("first")
    free = select(first.c.pair_id).where(~was_assigned(first), takes_vote(first))
    others = select(_within.c.pair_id).where(*of_level).correlate(levels).offset(_LOOKED_AT)
    return (
        select(
            levels.c.urgency,
            free.order_by(first.c.position).limit(1).correlate(levels).scalar_subquery(),
            others.limit(1).exists(),
        )
        .where(levels.c.urgency.is_not(None))
        .order_by(levels.c.urgency.desc())
    )


FIRST_OF_EACH_URGENCY = _first_of_each_urgency()

# all minus the few others: indices count both, and no row is read
_answered = select(func.count()).where(*_mine, _table.c.answered_at.is_not(None))
# literal, because SQLite uses a partial index only for the very words of its condition
_off_desk = _answered.where(_table.c.kind != literal_column("'normal'"), ~_on_desk)
DONE = select(_answered.scalar_subquery() - _off_desk.scalar_subquery())
# subqueries, so that SQLite walks the few assignments and not the many pairs
_left = (
    select(_within.c.wanted - _within.c.votes).where(_same_pair(_within, _table)).scalar_subquery()
)
_full = (
    select(_table.c.pair_id)
    .where(_table.c.batch_id == _of_batch, *_is_held(_table))
    .where(_left > 0, ~was_assigned(_table))
    .group_by(_table.c.batch_id, _table.c.pair_id)
    .having(func.count() >= _left)
)
FULL_BY_LEASES = select(func.count()).select_from(_full.subquery())

_next_sequence = LAST_SEQUENCE.with_only_columns(func.coalesce(func.max(_table.c.sequence), 0) + 1)
INSERT = (
    _table.insert().values(sequence=_next_sequence.scalar_subquery()).returning(_table.c.sequence)
)
RENEW = (
    _table.update()
    .where(_table.c.id == bindparam("assignment"), _table.c.leased_until < bindparam("until"))
    .values(leased_until=bindparam("until"))
)
