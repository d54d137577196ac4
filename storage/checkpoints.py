"""Checkpoints: adapters or weights with their lineage."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.errors import ConflictError, NotFoundError
from storage.inserts import add_if_absent
from storage.rows import Checkpoint, Json

_NAMED_IN_AN_ERROR = 10


def add(
    tx: Connection,
    *,
    checkpoint_id: str | None = None,
    name: str,
    job_id: str,
    parent: str | None,
    model: str,
    kind: str,
    path: str,
    dataset_version: str,
    config: Json,
    metrics: Json,
) -> Checkpoint:
    """Record a checkpoint. Do it in the transaction of `jobs.finish`, so that a worker that lost
    its job leaves none behind.

    Args:
        checkpoint_id: made here when None.
        name: unique, for people.
        parent: id of the checkpoint trained from, or None.
        model: location of the model underneath.
        kind: `adapter` or `full`.
        path: folder relative to the workspace.
        config: the resolved DPOSpec.
        metrics: name -> {value, ci95, n, labels}.

    Raises:
        ConflictError: the id or the name is taken.
    """
    checkpoint = Checkpoint(
        id=checkpoint_id or uuid.uuid4().hex,
        name=name,
        job_id=job_id,
        parent=parent,
        model=model,
        kind=kind,
        path=path,
        dataset_version=dataset_version,
        config=config,
        metrics=metrics,
        created_at=clock.now(tx),
    )
    if not add_if_absent(tx, tables.checkpoints, vars(checkpoint)):
        raise ConflictError(
            f"A checkpoint named {name!r} is already there.", "Choose another name."
        )
    return checkpoint


def get(db: Connection, id_or_name: str) -> Checkpoint:
    """The checkpoint with this id, else with this name.

    Raises:
        NotFoundError: there is none; the message names the newest.
    """
    table = tables.checkpoints
    either = or_(table.c.id == id_or_name, table.c.name == id_or_name)
    found = [_checkpoint(row) for row in db.execute(select(table).where(either))]
    # a name may spell another checkpoint's id: the id wins
    found.sort(key=lambda checkpoint: checkpoint.id != id_or_name)
    if not found:
        newest = [checkpoint.name for checkpoint in listed(db)[:_NAMED_IN_AN_ERROR]]
        raise NotFoundError(
            f"No checkpoint has the id or name {id_or_name[:80]!r}.",
            f"Checkpoints: {', '.join(newest) or 'none yet'}.",
        )
    return found[0]


def free_name(tx: Connection, name: str) -> str:
    """The name; numbered when a checkpoint has it."""
    number, candidate = 2, name
    while _is_taken(tx, candidate):
        candidate = f"{name}-{number}"
        number += 1
    return candidate


def listed(db: Connection) -> list[Checkpoint]:
    """All checkpoints, newest first."""
    table = tables.checkpoints
    query = select(table).order_by(table.c.created_at.desc(), table.c.id)
    return [_checkpoint(row) for row in db.execute(query)]


def lineage(db: Connection, checkpoint_id: str) -> list[Checkpoint]:
    """A checkpoint with all its ancestors, the first one first.

    Raises:
        NotFoundError: there is no such checkpoint.
    """
    line = [get(db, checkpoint_id)]
    # a parent is recorded before its child and never changes, so this ends
    while (parent := line[-1].parent) is not None:
        line.append(get(db, parent))
    return line[::-1]


def _is_taken(tx: Connection, name: str) -> bool:
    try:
        get(tx, name)
    except NotFoundError:
        return False
    return True


def _checkpoint(row: Any) -> Checkpoint:
    return Checkpoint(**row._mapping)
