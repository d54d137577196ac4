"""What leads do to many pairs at once: each an event with who, when, why and the pairs it changed.

An action holds only the pairs that it changed, so taking it back restores exactly what was there.
Where something since then stands in the way, an undo is refused and says what. `storage.pair_steps`
knows what each kind of action does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.engine import Connection

from storage import inserts, numbered, pair_steps, tables
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.pair_steps import Ask, Item

# one transaction holds up all votes while it writes; what is offered is derived again for a pair
MOST_PAIRS = 100_000
MOST_DERIVED = 20_000

_table, _items = tables.pair_actions, tables.pair_action_items
_undo = _table.alias("undo")


class ActionKind(StrEnum):
    """What is done to pairs."""

    ADJUDICATE = "adjudicate"
    OVERLAP = "overlap"
    EXCLUDE = "exclude"
    READMIT = "readmit"
    TAG = "tag"
    UNTAG = "untag"


@dataclass(frozen=True)
class PairAction:
    """One event.

    Attributes:
        number: 1, 2, ... in the order in which they came.
        value: the tag, or how many votes more; else empty.
        pairs: how many pairs it changed; a pair may be changed in several batches.
        undoes: number of the action that this one takes back, None for an action of its own.
        undone_by: number of what took it back, None while it stands.
        created_at: microseconds.
    """

    number: int
    kind: ActionKind
    value: str
    pairs: int
    actor: str
    reason: str
    undoes: int | None
    undone_by: int | None
    created_at: int

    @property
    def can_be_undone(self) -> bool:
        """Whether it stands, and is no undo itself."""
        return self.undoes is None and self.undone_by is None


def apply(
    tx: Connection,
    kind: ActionKind,
    pair_ids: Sequence[str],
    *,
    value: str = "",
    batch_id: str | None = None,
    actor: str,
    reason: str,
) -> PairAction:
    """Do one thing to pairs; those that it would not change are left out of the event.

    Args:
        pair_ids: of pairs that are recorded: see `storage.pairs.check_known`.
        value: the tag of `tag` and `untag`; of `overlap`, how many votes more, 1 to 100.
        batch_id: where, for `adjudicate` and `overlap`; None for every batch that has the pair.
        actor: who does so.
        reason: up to 2000 characters; `exclude` and `readmit` need one.

    Raises:
        WrongInputError: too many pairs, or the value, the reason or the actor cannot be kept.
        ConflictError: not one of the pairs would change.
    """
    is_derived = kind in (ActionKind.ADJUDICATE, ActionKind.OVERLAP)
    most = MOST_DERIVED if is_derived else MOST_PAIRS
    if len(pair_ids) > most:
        raise WrongInputError(
            f"{len(pair_ids):,} pairs are too many to {kind.value} in one action.",
            f"Narrow the filters to {most:,} pairs or fewer, day by day for instance.",
        )
    needs_reason = kind in (ActionKind.EXCLUDE, ActionKind.READMIT)
    numbered.check_words(actor, reason if needs_reason else reason or kind.value)
    ask = Ask(kind.value, value, batch_id)
    pair_steps.check(ask)
    inserts.wait_for_turn(tx, inserts.ACTING)
    changed = pair_steps.changed(tx, ask, list(dict.fromkeys(pair_ids)))
    if not changed:
        raise ConflictError(
            f"None of these {len(pair_ids):,} pairs would change.", "Nothing was recorded."
        )
    told = {"kind": kind.value, "value": value, "actor": actor, "reason": reason}
    count = len({item.pair_id for item in changed})
    number = numbered.append(tx, _table, {**told, "pairs": count, "undoes": None})
    _list(tx, number, changed)
    pair_steps.do(tx, ask, number)
    return get(tx, number)


def undo(tx: Connection, number: int, *, actor: str, reason: str = "") -> PairAction:
    """Take back an action: all that it changed is as it was before.

    Raises:
        NotFoundError: there is no such action.
        ConflictError: it was taken back, is an undo itself, or what came since stands in the way.
        WrongInputError: the reason or the actor cannot be kept.
    """
    numbered.check_words(actor, reason or "undo")
    inserts.wait_for_turn(tx, inserts.ACTING)
    found = get(tx, number)
    if found.undone_by is not None:
        raise ConflictError(
            f"Action {number} was taken back by {found.undone_by}.", "Nothing was changed."
        )
    if found.undoes is not None:
        raise ConflictError(
            f"Action {number} took back action {found.undoes}.", "Do that once more instead."
        )
    ask = Ask(found.kind.value, found.value)
    _refuse_later(tx, found)
    pair_steps.refuse_undo(tx, ask, number)
    pair_steps.undo(tx, ask, number)
    told = {"kind": found.kind.value, "value": found.value, "actor": actor, "reason": reason}
    row = {**told, "pairs": found.pairs, "undoes": number}
    return get(tx, numbered.append(tx, _table, row))


def get(db: Connection, number: int) -> PairAction:
    """The action with this number.

    Raises:
        NotFoundError: there is none.
    """
    row = db.execute(_query().where(_table.c.number == number)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no action {number}.", "`pairwright pair bulk log` has all.")
    return _action(row)


def listed(db: Connection, limit: int | None = None) -> list[PairAction]:
    """Actions and undos, the newest first."""
    query = _query().order_by(_table.c.number.desc()).limit(limit)
    return [_action(row) for row in db.execute(query)]


def last(db: Connection) -> PairAction | None:
    """The newest action that can be taken back, or None."""
    stands = _query().where(_table.c.undoes.is_(None), _undo.c.number.is_(None))
    row = db.execute(stands.order_by(_table.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else _action(row)


def of_pair(db: Connection, pair_id: str) -> list[PairAction]:
    """The actions that changed a pair, and what took them back, oldest first."""
    own = select(_items.c.number).where(_items.c.pair_id == pair_id)
    about = _table.c.number.in_(own) | _table.c.undoes.in_(own)
    return [_action(row) for row in db.execute(_query().where(about).order_by(_table.c.number))]


def pair_ids(db: Connection, number: int) -> list[str]:
    """The pairs that an action changed, in the order in which they were given."""
    query = select(_items.c.pair_id).where(_items.c.number == number).order_by(_items.c.place)
    return list(dict.fromkeys(db.execute(query).scalars()))


def _refuse_later(tx: Connection, found: PairAction) -> None:
    """What is done to a pair again has to be taken back first."""
    later = select(_table.c.number, func.count(_items.c.pair_id.distinct()))
    later = later.join(_items, _items.c.number == _table.c.number)
    later = later.outerjoin(_undo, _undo.c.undoes == _table.c.number)
    mine = select(_items.c.pair_id).where(_items.c.number == found.number)
    later = later.where(
        *(_table.c.number > found.number, _undo.c.number.is_(None), _same_matter(found)),
        _items.c.pair_id.in_(mine),
    )
    row = tx.execute(later.group_by(_table.c.number).order_by(_table.c.number.desc())).first()
    if row is not None:
        raise ConflictError(
            f"Action {row[0]} changed {row[1]:,} of these pairs since.",
            f"Take back action {row[0]} first.",
        )


def _same_matter(found: PairAction) -> ColumnElement[bool]:
    """Actions that change the same as this one: whether a pair is left out, or has a tag."""
    if found.kind in (ActionKind.TAG, ActionKind.UNTAG):
        both = _table.c.kind.in_((ActionKind.TAG.value, ActionKind.UNTAG.value))
        return both & (_table.c.value == found.value)
    if found.kind in (ActionKind.EXCLUDE, ActionKind.READMIT):
        return _table.c.kind.in_((ActionKind.EXCLUDE.value, ActionKind.READMIT.value))
    # votes add up, and a pair is sent to a lead once
    return _table.c.number < 0


def _list(tx: Connection, number: int, changed: Sequence[Item]) -> None:
    rows = [
        {"number": number, "place": place, **vars(item)}
        for place, item in enumerate(changed, start=1)
    ]
    tx.execute(_items.insert(), rows)


def _query() -> Select[Any]:
    undone_by = _undo.c.number.label("undone_by")
    return select(_table, undone_by).outerjoin(_undo, _undo.c.undoes == _table.c.number)


def _action(row: Any) -> PairAction:
    values = dict(row._mapping)
    return PairAction(**{**values, "kind": ActionKind(values["kind"])})
