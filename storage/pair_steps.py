"""What each action on pairs changes, and what stands in the way of taking it back.

Every step reads the pairs of an action from `pair_action_items`, so that a hundred thousand of them
are changed by one statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlalchemy.engine import Connection

from storage import excluded_pairs, pair_tags, standing, tables
from storage.batches import HIGHEST_OVERLAP
from storage.errors import ConflictError, WrongInputError

# SQLite takes a limited number of parameters in one statement
_CHUNK = 1000

_items, _within = tables.pair_action_items, tables.batch_pairs


@dataclass(frozen=True)
class Ask:
    """What is to be done.

    Attributes:
        kind: `adjudicate`, `overlap`, `exclude`, `readmit`, `tag` or `untag`.
        value: the tag, or how many votes more.
        batch_id: where, for what is done within batches; None for everywhere.
    """

    kind: str
    value: str = ""
    batch_id: str | None = None


@dataclass(frozen=True)
class Item:
    """A pair that an action changes; where that counts, in which batch, and its votes there."""

    pair_id: str
    batch_id: str | None = None
    votes: int | None = None


def check(ask: Ask) -> None:
    """Refuse a value that cannot be used.

    Raises:
        WrongInputError: the tag or the number of votes is none.
    """
    if ask.kind in ("tag", "untag"):
        pair_tags.check(ask.value)
    elif ask.kind == "overlap":
        _votes(ask)
    elif ask.value:
        raise WrongInputError(
            f"{ask.value[:40]!r} says nothing to {ask.kind}.", "Leave the value out."
        )


def changed(db: Connection, ask: Ask, pair_ids: Sequence[str]) -> list[Item]:
    """Those of the pairs, all of which are recorded, that change."""
    if ask.kind in ("adjudicate", "overlap"):
        return _in_batches(db, ask, pair_ids)
    those = pair_tags.with_tag(ask.value) if "tag" in ask.kind else excluded_pairs.left_out()
    there: set[str] = set(db.scalars(those))
    adds = ask.kind in ("tag", "exclude")
    return [Item(pair_id) for pair_id in pair_ids if (pair_id in there) != adds]


def do(tx: Connection, ask: Ask, number: int) -> None:
    """Change the pairs of an action."""
    if ask.kind in ("tag", "exclude"):
        _put(tx, ask, number)
    elif ask.kind in ("untag", "readmit"):
        _remove(tx, ask, number)
    else:
        _ask(tx, ask, number, 1)


def undo(tx: Connection, ask: Ask, number: int) -> None:
    """Change the pairs of an action back."""
    if ask.kind in ("tag", "exclude"):
        _remove(tx, ask, number)
    elif ask.kind in ("untag", "readmit"):
        _put(tx, ask, number)
    else:
        _ask(tx, ask, number, -1)


def refuse_undo(db: Connection, ask: Ask, number: int) -> None:
    """Refuse to take back what votes and decisions rest on.

    Raises:
        ConflictError: some came since.
    """
    if ask.kind == "adjudicate":
        count = _count(db, _of_action(number).where(_within.c.decided > 0))
        if count:
            raise ConflictError(
                f"Leads have decided {count:,} of these pairs since.",
                "Withdraw those decisions first: pairwright pair withdraw PAIR --reason TEXT",
            )
    if ask.kind == "overlap":
        batch = tables.batches
        wanted = batch.c.overlap + _within.c.extra - _votes(ask)
        query = _of_action(number).join(batch, batch.c.id == _within.c.batch_id)
        count = _count(db, query.where(_within.c.votes > _items.c.votes, _within.c.votes > wanted))
        if count:
            raise ConflictError(
                f"{count:,} of these pairs got votes since that were asked for by this.",
                "They cannot be taken back; exclude them, or leave the votes as they are.",
            )


def _votes(ask: Ask) -> int:
    if not ask.value.isdecimal() or not 1 <= int(ask.value) <= HIGHEST_OVERLAP:
        raise WrongInputError(
            f"{ask.value[:40]!r} is no number of votes to add.", f"Use 1 to {HIGHEST_OVERLAP}."
        )
    return int(ask.value)


def _in_batches(db: Connection, ask: Ask, pair_ids: Sequence[str]) -> list[Item]:
    """Where neither a lead has decided or is to decide, nor the answer is known."""
    query = select(_within.c.pair_id, _within.c.batch_id, _within.c.votes).where(
        _within.c.decided == 0, _within.c.referred == 0, _within.c.gold.is_(None)
    )
    if ask.batch_id is not None:
        query = query.where(_within.c.batch_id == ask.batch_id)
    if ask.kind == "overlap":
        batch = tables.batches
        wanted = batch.c.overlap + _within.c.extra + _votes(ask)
        query = query.join(batch, batch.c.id == _within.c.batch_id).where(wanted <= HIGHEST_OVERLAP)
    found: dict[str, list[Item]] = {}
    for start in range(0, len(pair_ids), _CHUNK):
        chunk = list(pair_ids[start : start + _CHUNK])
        for row in db.execute(query.where(_within.c.pair_id.in_(chunk))):
            found.setdefault(row.pair_id, []).append(Item(*row))
    return [item for pair_id in pair_ids for item in found.get(pair_id, ())]


def _put(tx: Connection, ask: Ask, number: int) -> None:
    pairs = _pairs(number)
    if "tag" in ask.kind:
        table, first = tables.pair_tags, ("tag", literal(ask.value))
    else:
        table, first = tables.excluded_pairs, ("number", _reason_of(tx, ask, number))
    named = [first[0], "pair_id"]
    tx.execute(
        table.insert().from_select(named, pairs.with_only_columns(first[1], _items.c.pair_id))
    )


def _reason_of(tx: Connection, ask: Ask, number: int) -> Any:
    """Of an exclusion itself; of one that comes back, the action that had left the pair out."""
    if ask.kind == "exclude":
        return literal(number)
    action, item = tables.pair_actions, _items.alias("before")
    return (
        select(func.max(action.c.number))
        .join(item, item.c.number == action.c.number)
        .where(action.c.kind == "exclude", action.c.number < number)
        .where(item.c.pair_id == _items.c.pair_id)
        .correlate(_items)
        .scalar_subquery()
    )


def _remove(tx: Connection, ask: Ask, number: int) -> None:
    if "tag" in ask.kind:
        table = tables.pair_tags
        gone = table.delete().where(table.c.tag == ask.value)
    else:
        table = tables.excluded_pairs
        gone = table.delete()
    tx.execute(gone.where(table.c.pair_id.in_(_pairs(number))))


def _ask(tx: Connection, ask: Ask, number: int, sign: int) -> None:
    rows = select(_items.c.batch_id, _items.c.pair_id).where(_items.c.number == number)
    if ask.kind == "overlap":
        standing.ask(tx, rows, extra=sign * _votes(ask))
    else:
        standing.ask(tx, rows, referred=sign)


def _pairs(number: int) -> Select[Any]:
    return select(_items.c.pair_id).where(_items.c.number == number)


def _of_action(number: int) -> Select[Any]:
    """The rows of batches that an action changed."""
    same = (_within.c.batch_id == _items.c.batch_id) & (_within.c.pair_id == _items.c.pair_id)
    return select(_items.c.pair_id).join(_within, same).where(_items.c.number == number)


def _count(db: Connection, query: Select[Any]) -> int:
    return int(db.execute(select(func.count()).select_from(query.subquery())).scalar_one())
