"""Imported labels: which response a file says is better. Hidden from annotators and no votes."""

from __future__ import annotations

from collections.abc import Sequence

import polars
from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, frames, identity, tables
from storage.inserts import add_if_absent
from storage.rows import ImportedLabel


def add(tx: Connection, label: ImportedLabel) -> bool:
    """Record a label; True when this winner was not yet recorded for pair, batch and labeler.

    A label that contradicts an earlier one is recorded too: nothing is overwritten.
    """
    row = {
        "id": _id_of(label),
        "pair_id": label.pair_id,
        "winner": label.winner,
        "labeled_by": label.labeled_by,
        "batch_id": label.batch_id,
        "source": label.source,
        "line": label.line,
        "record_id": label.record_id,
        "created_at": clock.now(tx),
    }
    return add_if_absent(tx, tables.imported_labels, row)


def of_pairs(
    db: Connection,
    batch_id: str | None = None,
    labeled_by: str | None = None,
    pair_ids: Sequence[str] | None = None,
) -> list[ImportedLabel]:
    """The labels of a batch, of a labeler, of up to a page of pairs, or all, by pair and winner."""
    table = tables.imported_labels
    query = select(table).order_by(table.c.pair_id, table.c.labeled_by, table.c.winner, table.c.id)
    if batch_id is not None:
        query = query.where(table.c.batch_id == batch_id)
    if labeled_by is not None:
        query = query.where(table.c.labeled_by == labeled_by)
    if pair_ids is not None:
        query = query.where(table.c.pair_id.in_(pair_ids))
    return [
        ImportedLabel(
            pair_id=row.pair_id,
            winner=row.winner,
            labeled_by=row.labeled_by,
            batch_id=row.batch_id,
            source=row.source,
            line=row.line,
            record_id=row.record_id,
        )
        for row in db.execute(query)
    ]


def columns(db: Connection, batch_ids: Sequence[str] | None = None) -> polars.DataFrame:
    """The labels of some batches, or all, as columns `pair_id`, `winner`, `labeled_by` and
    `record_id`."""
    table = tables.imported_labels
    names = ("pair_id", "winner", "labeled_by", "record_id")
    query = select(*(table.c[name] for name in names))
    if batch_ids is not None:
        query = query.where(table.c.batch_id.in_(batch_ids))
    return frames.read(db, query, dict.fromkeys(names, polars.String))


def winners(db: Connection, pair_id: str, batch_id: str, labeled_by: str) -> set[str]:
    """The winners (`a`, `b`) that this labeler named for a pair in a batch; two are a conflict."""
    table = tables.imported_labels
    query = select(table.c.winner).where(
        table.c.pair_id == pair_id,
        table.c.batch_id == batch_id,
        table.c.labeled_by == labeled_by,
    )
    return set(db.execute(query).scalars())


def _id_of(label: ImportedLabel) -> str:
    return identity.digest(
        {
            "label": label.pair_id,
            "winner": label.winner,
            "batch": label.batch_id,
            "labeled_by": label.labeled_by,
        }
    )
