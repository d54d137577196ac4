"""Checks of annotators: gold pairs and swapped repeats, offered between the normal pairs.

Both are assignments of a kind of their own. They take no place of a pair's votes, and nothing that
leaves the server tells them from normal ones: progress counts them from the start, and where they
come is drawn with a secret. Parameters of the queries are as in `storage.assignment_queries`.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, literal_column, select
from sqlalchemy.engine import Connection

from storage import assignment_queries, assignments, tables
from storage.assignments import Progress
from storage.columns import Int64
from storage.rows import Assignment, AssignmentKind, Batch, Verdict

# a repeat comes at least so many pairs after the first time
SHORTEST_DISTANCE = 5

_table, _within, _votes = tables.assignments, tables.batch_pairs, tables.votes
_of_batch: BindParameter[str] = bindparam("batch")
_of_annotator: BindParameter[str] = bindparam("annotator")
_mine = (_table.c.batch_id == _of_batch, _table.c.annotator_id == _of_annotator)


@dataclass(frozen=True)
class _Had:
    """Checks of one annotator so far."""

    gold: int = 0
    repeats: int = 0
    answered: int = 0


@dataclass(frozen=True)
class _Missing:
    """Checks that an annotator should have had and has not."""

    gold: int
    repeats: int


def offer_due(tx: Connection, batch: Batch, offer: Assignment, secret: bytes) -> Assignment | None:
    """Assign the check that is due for an annotator, or return None when none is.

    Args:
        offer: a normal assignment to fill in: pair, kind and sequence, and for a repeat the sides.
        secret: bytes that no annotator knows.
    """
    if not (batch.gold_rate or batch.repeat_rate):
        return None
    assignments.lock_batch(tx, batch.id)
    mine = {"batch": batch.id, "annotator": offer.annotator_id}
    missing = _missing_by_now(tx, batch, mine, secret)
    if missing.gold:
        pair_id = tx.execute(NEXT_GOLD, mine).scalar_one()
        return assignments.assign(tx, replace(offer, pair_id=pair_id, kind=AssignmentKind.GOLD))
    for first in tx.execute(_REPEATABLE, {**mine, "limit": min(missing.repeats, 1)}):
        left, kind = "b" if first.left == "a" else "a", AssignmentKind.REPEAT
        repeat = replace(offer, pair_id=first.pair_id, kind=kind, left=left)
        return assignments.assign(tx, repeat)
    return None


def left(db: Connection, batch: Batch, annotator_id: str, progress: Progress, secret: bytes) -> int:
    """Checks that the annotator will still be offered; they count among the available pairs."""
    if not (batch.gold_rate or batch.repeat_rate):
        return 0
    mine = {"batch": batch.id, "annotator": annotator_id}
    had = _had(db, mine)
    normal = progress.done + progress.open + progress.available - had.gold - had.repeats
    missing = _missing(db, batch, mine, normal, had, secret)
    if progress.available:
        return missing.gold + missing.repeats
    # at the end there may be nothing to repeat, as when all was skipped
    found = db.execute(_REPEATABLE, {**mine, "limit": missing.repeats}).all()
    return missing.gold + len(found)


def due(normal: int, rate: float, secret: bytes, name: str) -> int:
    """Checks due after `normal` normal pairs: one in each run of `1 / rate` of them, at a place
    that is drawn from the secret and the name. More normal pairs never make it less."""
    if normal <= 0:
        return 0
    whole = math.floor(normal * rate)
    drawn = hmac.new(secret, f"{name}/{whole}".encode(), hashlib.sha256).digest()
    # above 0 and up to 1, so that the first pair of a run is never sure to be a check
    share = (int.from_bytes(drawn[:6]) + 1) / 2**48
    return whole + (normal * rate >= whole + share)


def _missing_by_now(db: Connection, batch: Batch, mine: dict[str, Any], secret: bytes) -> _Missing:
    """What is missing after the normal pairs that were offered so far."""
    had = _had(db, mine)
    open_ = assignments.open_for(db, batch.id, mine["annotator"])
    done = int(db.execute(assignment_queries.DONE, mine).scalar_one()) - had.answered
    normal = done + sum(each.kind is AssignmentKind.NORMAL for each in open_)
    return _missing(db, batch, mine, normal, had, secret)


def _missing(
    db: Connection, batch: Batch, mine: dict[str, Any], normal: int, had: _Had, secret: bytes
) -> _Missing:
    name = f"{batch.id}/{mine['annotator']}"
    gold = max(0, due(normal, batch.gold_rate, secret, f"gold/{name}") - had.gold)
    repeated = due(normal - SHORTEST_DISTANCE, batch.repeat_rate, secret, f"repeat/{name}")
    fresh = int(db.execute(FRESH_GOLD, mine).scalar_one()) if gold else 0
    return _Missing(min(gold, fresh), max(0, repeated - had.repeats))


def _had(db: Connection, mine: dict[str, Any]) -> _Had:
    counts = {row.kind: row for row in db.execute(_CHECKS, mine)}
    of_gold, of_repeats = (
        counts.get(kind) for kind in (AssignmentKind.GOLD, AssignmentKind.REPEAT)
    )
    return _Had(
        gold=of_gold.had if of_gold else 0,
        repeats=of_repeats.had if of_repeats else 0,
        answered=sum(row.answered for row in (of_gold, of_repeats) if row),
    )


# literal, because SQLite uses a partial index only for the very words of its condition
_CHECKS = (
    select(
        _table.c.kind,
        func.count().label("had"),
        func.count(_table.c.answered_at).label("answered"),
    )
    .where(*_mine, _table.c.kind != literal_column("'normal'"))
    .group_by(_table.c.kind)
)

_seen = _table.alias("seen")
_was_assigned = select(_seen.c.id).where(
    _seen.c.batch_id == _within.c.batch_id,
    _seen.c.pair_id == _within.c.pair_id,
    _seen.c.annotator_id == _of_annotator,
)
_fresh = (_within.c.batch_id == _of_batch, _within.c.gold.is_not(None), ~_was_assigned.exists())
# gold pairs that an annotator never had in any way
FRESH_GOLD = select(func.count()).select_from(_within).where(*_fresh)
NEXT_GOLD = select(_within.c.pair_id).where(*_fresh).order_by(_within.c.position).limit(1)

_repeat = _table.alias("repeated")
_was_repeated = select(_repeat.c.id).where(
    _repeat.c.batch_id == _table.c.batch_id,
    _repeat.c.pair_id == _table.c.pair_id,
    _repeat.c.annotator_id == _table.c.annotator_id,
    _repeat.c.kind == AssignmentKind.REPEAT.value,
)
_later = _votes.alias("later")
_is_newer = select(_later.c.event_id).where(
    _later.c.assignment_id == _votes.c.assignment_id, _later.c.sequence > _votes.c.sequence
)
_was_judged = select(_votes.c.event_id).where(
    _votes.c.assignment_id == _table.c.id,
    _votes.c.kind == "vote",
    _votes.c.verdict != Verdict.SKIP.value,
    ~_is_newer.exists(),
)
_newest = _table.alias("newest")
_last_sequence = (
    select(func.max(_newest.c.sequence))
    .where(_newest.c.batch_id == _of_batch, _newest.c.annotator_id == _of_annotator)
    .scalar_subquery()
)
# what this annotator judged long enough ago and was not asked again, the oldest first
_REPEATABLE = (
    select(_table.c.pair_id, _table.c.left)
    .where(*_mine, _table.c.kind == AssignmentKind.NORMAL.value, ~_was_repeated.exists())
    .where(_table.c.answered_at.is_not(None), _was_judged.exists())
    .where(_table.c.sequence <= _last_sequence + 1 - SHORTEST_DISTANCE)
    .order_by(_table.c.sequence)
    .limit(bindparam("limit", type_=Int64))
)
