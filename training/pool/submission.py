"""Scoring put into the queue: which pairs, by which checkpoint, against which reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from storage import batches, pairs, picks
from storage.errors import WrongInputError
from storage.ledger import Connection
from storage.rows import Job, PairView
from storage.workspace import Workspace
from training.jobs import queueing, starts, submission
from training.jobs.folder import JobFolder
from training.jobs.starts import Start
from training.pool import pairs as lines

KIND = "score"
_SLICE = 500


def submit(
    workspace: Workspace,
    *,
    checkpoint: str,
    reference: str,
    batch: str | None = None,
    seed: int = 0,
    most: int | None = None,
    key: str | None = None,
    then: Mapping[str, Any] | None = None,
) -> Job:
    """Queue the scoring of unlabeled pairs, of one batch or of all.

    Args:
        checkpoint: what is to say how sure it is.
        reference: model or checkpoint that the implicit reward is measured against.
        most: so many pairs at most, drawn with the seed.
        then: what is to follow; kept with the job for who does it.

    Raises:
        NotFoundError: no such checkpoint, reference or batch.
        WrongInputError: no pair is unlabeled, or the two are one model, for which every margin
            is 0.
    """
    with workspace.ledger.write() as tx:
        start, against = starts.resolve(tx, checkpoint), starts.resolve(tx, reference)
        if (start.model, start.checkpoints) == (against.model, against.checkpoints):
            raise WrongInputError(
                f"{checkpoint!r} cannot be measured against itself: every margin is 0.",
                "Name what the round started from with --reference.",
            )
        within = batches.get(tx, batch) if batch is not None else None
        count = len(picks.unlabeled(tx, within.id if within else None))
        if not count:
            where = f"batch {batch!r}" if batch is not None else "the workspace"
            raise WrongInputError(
                f"No pair in {where} is unlabeled.",
                "Sample answers to new prompts: pairwright sample --prompts FILE --batch NAME",
            )
        spec = submission.settings_of(tx, start)
        content = {
            "settings": spec.resolved(),
            "start": start.as_json(),
            "reference": _named(against).as_json(),
            "pool": {"batch": batch, "most": most, "seed": seed},
            **({"then": dict(then)} if then else {}),
        }
        return queueing.submit(tx, KIND, content, key)


def write_pairs(workspace: Workspace, job: Job, folder: JobFolder) -> None:
    """Put the pairs to score into the folder, once."""
    if folder.pairs_file.exists():
        return
    with workspace.ledger.read() as db:
        lines.write(folder.pairs_file, _views(db, job))


def _named(against: Start) -> Start:
    return Start(against.tip or against.name, against.model, against.checkpoints)


def _views(db: Connection, job: Job) -> Iterator[PairView]:
    pool = job.spec["pool"]
    batch_id = batches.get(db, pool["batch"]).id if pool["batch"] is not None else None
    found = picks.unlabeled(db, batch_id)
    if pool["most"] is not None:
        found = picks.drawn(found, int(pool["most"]), int(pool["seed"]))
    for start in range(0, len(found), _SLICE):
        yield from pairs.views(db, found[start : start + _SLICE])
