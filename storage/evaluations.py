"""Evaluations: the metrics of one checkpoint or model on one dataset version and split."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import clock, tables
from storage.rows import Evaluation, Json


def add(
    tx: Connection,
    *,
    job_id: str,
    checkpoint: str,
    dataset_version: str,
    split: str,
    metrics: Json,
) -> Evaluation:
    """Record what an evaluation measured.

    Args:
        checkpoint: id of a checkpoint, or name of a model.
        split: `train`, `holdout` or `all`.
        metrics: name -> {value, ci95, n, labels}.
    """
    evaluation = Evaluation(
        id=uuid.uuid4().hex,
        job_id=job_id,
        checkpoint=checkpoint,
        dataset_version=dataset_version,
        split=split,
        metrics=metrics,
        created_at=clock.now(tx),
    )
    tx.execute(tables.evaluations.insert().values(vars(evaluation)))
    return evaluation


def listed(
    db: Connection, checkpoint: str | None = None, job_id: str | None = None
) -> list[Evaluation]:
    """Evaluations, newest first; of one checkpoint or one job when asked."""
    table = tables.evaluations
    query = select(table).order_by(table.c.created_at.desc(), table.c.id)
    if checkpoint is not None:
        query = query.where(table.c.checkpoint == checkpoint)
    if job_id is not None:
        query = query.where(table.c.job_id == job_id)
    return [Evaluation(**row._mapping) for row in db.execute(query)]
