"""Which checkpoint is in use: an append-only record of who chose it, when and why.

Activations make a stack. `activate` puts a checkpoint on top; `rollback` takes the top off, so that
the one below is in use again, and a second rollback goes one further back. Both are events, so
nothing is ever forgotten: the last event names the checkpoint in use.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import checkpoints, clock, inserts, tables
from storage.errors import ConflictError, WrongInputError
from storage.rows import Activation, Checkpoint

ACTIVATE = "activate"
ROLLBACK = "rollback"
LONGEST_ACTOR = 100
LONGEST_REASON = 1000


def activate(tx: Connection, checkpoint: str, *, actor: str, reason: str = "") -> Activation:
    """Take a checkpoint into use.

    Args:
        checkpoint: its id or name.
        actor: who does it; one line of 1 to 100 characters.
        reason: why, up to 1,000 characters; may be empty.

    Raises:
        NotFoundError: there is no such checkpoint.
        ConflictError: it is in use already.
        WrongInputError: actor or reason cannot be used.
    """
    inserts.wait_for_turn(tx, inserts.ACTIVATING)
    chosen = checkpoints.get(tx, checkpoint)
    if _top(stack(tx)) == chosen.id:
        raise ConflictError(
            f"Checkpoint {chosen.name} is in use already.",
            "Choose another, or leave it as it is.",
        )
    return _append(tx, ACTIVATE, chosen.id, actor, reason)


def rollback(
    tx: Connection, *, actor: str, reason: str = "", expected: str | None = None
) -> Activation:
    """Go back to the checkpoint that was in use before the present one.

    Args:
        actor, reason: as for `activate`.
        expected: id of the checkpoint that the caller saw in use; None does not check.

    Raises:
        ConflictError: there is nothing to go back to, or another checkpoint than `expected` is in
            use by now.
    """
    inserts.wait_for_turn(tx, inserts.ACTIVATING)
    used = stack(tx)
    if expected is not None and _top(used) != expected:
        raise ConflictError(
            "Another checkpoint is in use by now; nothing was changed.",
            "Look again at what is in use: pairwright checkpoint list",
        )
    if len(used) < 2:
        names = [checkpoints.get(tx, one).name for one in used]
        what = f"{names[0]} is the first checkpoint in use" if names else "No checkpoint is in use"
        raise ConflictError(
            f"{what}, so there is nothing to go back to.",
            "Take one into use: pairwright checkpoint activate NAME",
        )
    return _append(tx, ROLLBACK, used[-2], actor, reason)


def active(db: Connection) -> Checkpoint | None:
    """The checkpoint in use, None before the first activation."""
    top = _top(stack(db))
    return None if top is None else checkpoints.get(db, top)


def previous(db: Connection) -> Checkpoint | None:
    """What a rollback would take into use again, None when there is nothing to go back to."""
    used = stack(db)
    return checkpoints.get(db, used[-2]) if len(used) > 1 else None


def listed(db: Connection) -> list[Activation]:
    """All events, the oldest first."""
    table = tables.activations
    rows = db.execute(select(table).order_by(table.c.created_at, table.c.id))
    return [Activation(**row._mapping) for row in rows]


def stack(db: Connection) -> list[str]:
    """Ids of the checkpoints that rollbacks lead through; the last is in use."""
    return replay(listed(db))


def replay(events: Sequence[Activation]) -> list[str]:
    """The stack after these events, the oldest first. Pure."""
    used: list[str] = []
    for event in events:
        if event.kind == ROLLBACK:
            used.pop()
        elif event.kind == ACTIVATE and event.checkpoint_id is not None:
            used.append(event.checkpoint_id)
    return used


def _append(tx: Connection, kind: str, checkpoint_id: str, actor: str, reason: str) -> Activation:
    if not actor.strip() or not actor.isprintable() or len(actor) > LONGEST_ACTOR:
        raise WrongInputError(
            f"{actor[:LONGEST_ACTOR]!r} cannot be the name of who does it.",
            f"Give one line of 1 to {LONGEST_ACTOR} characters.",
        )
    if len(reason) > LONGEST_REASON:
        raise WrongInputError(
            f"The reason has {len(reason)} characters.", f"Use up to {LONGEST_REASON}."
        )
    made = Activation(
        id=uuid.uuid4().hex,
        kind=kind,
        checkpoint_id=checkpoint_id,
        actor=actor.strip(),
        reason=reason.strip(),
        created_at=_next_moment(tx),
    )
    tx.execute(tables.activations.insert().values(vars(made)))
    return made


def _next_moment(tx: Connection) -> int:
    """Later than every event so far: the clock counts milliseconds, and may be set back."""
    events = listed(tx)
    return max(clock.now(tx), events[-1].created_at + 1 if events else 0)


def _top(used: Sequence[str]) -> str | None:
    return used[-1] if used else None
