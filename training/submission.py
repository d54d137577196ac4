"""Jobs put into the queue: what the user named is resolved and checked before anything waits."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage import checkpoints, dataset_versions, identity, jobs
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.ledger import Connection
from storage.rows import DatasetVersion, Job
from storage.workspace import Workspace
from training import spec as specs
from training import starts
from training.spec import DPOSpec, SamplingSpec
from training.starts import Start

SPLITS = ("train", "holdout", "all")


def submit_training(
    workspace: Workspace,
    *,
    dataset: str,
    start_from: str,
    spec: DPOSpec,
    key: str | None = None,
) -> Job:
    """Queue a training on a dataset version, from a model or a checkpoint.

    The same `key` with the same content gives the job that is already there, and with another
    content raises ConflictError; without one every call is a new job. Raises NotFoundError or
    WrongInputError before anything is queued.
    """
    with workspace.ledger.write() as tx:
        version = _dataset(tx, dataset, "train")
        start = starts.resolve(tx, start_from)
        reference = starts.resolve_reference(tx, spec.reference_model, start)
        content = {
            "settings": spec.resolved(),
            "start": start.as_json(),
            "reference": reference.as_json(),
            "dataset": version.id,
            "digest": version.digest,
        }
        return _submit(tx, "train", content, key)


def submit_evaluation(
    workspace: Workspace,
    *,
    checkpoint: str,
    dataset: str,
    split: str = "holdout",
    key: str | None = None,
) -> Job:
    """Queue the measuring of a checkpoint, or of a bare model, on a split of a dataset version.

    A checkpoint is measured with the settings and against the reference that it was trained with.
    """
    if split not in SPLITS:
        raise WrongInputError(f"The split is {split!r}.", f"Use {', '.join(SPLITS)}.")
    with workspace.ledger.write() as tx:
        version = _dataset(tx, dataset, split)
        start = starts.resolve(tx, checkpoint)
        spec = _settings_of(tx, start)
        content = {
            "settings": spec.resolved(),
            "start": start.as_json(),
            "reference": _reference_of(tx, start, spec).as_json(),
            "dataset": version.id,
            "digest": version.digest,
            "split": split,
        }
        return _submit(tx, "evaluate", content, key)


def submit_sampling(
    workspace: Workspace,
    *,
    start_from: str,
    prompts: Path,
    batch: str,
    settings: SamplingSpec | Mapping[str, Any] | None = None,
    key: str | None = None,
) -> Job:
    """Queue the drawing of answers for a file of prompts; they go into `batch` as pairs.

    With one answer per prompt no pair can be made, and `batch` means nothing: the answers are kept
    to compare one model with another.
    """
    given = settings or {}
    spec = given if isinstance(given, SamplingSpec) else specs.parse_sampling(given)
    if not prompts.is_file():
        raise NotFoundError(f"There is no file {prompts}.", "Name a JSONL file of prompts.")
    if spec.answers > 1 and not batch.strip():
        raise WrongInputError("The batch has no name.", "Name the batch that gets the pairs.")
    with workspace.ledger.write() as tx:
        content = {
            "settings": spec.resolved(),
            "start": starts.resolve(tx, start_from).as_json(),
            "prompts": str(prompts.resolve()),
            "batch": batch,
        }
        return _submit(tx, "sample", content, key)


def _dataset(db: Connection, name: str, split: str) -> DatasetVersion:
    version = dataset_versions.get(db, name)
    rows = {"train": version.train, "holdout": version.holdout, "all": version.rows}[split]
    if rows == 0:
        raise WrongInputError(
            f"The dataset version {version.id} has 0 rows to use as {split} "
            f"({version.train} train, {version.holdout} holdout).",
            "Build a version with more pairs or another --holdout.",
        )
    return version


def _settings_of(db: Connection, start: Start) -> DPOSpec:
    if start.tip is None:
        return DPOSpec()
    return specs.parse_spec(checkpoints.get(db, start.tip).config)


def _reference_of(db: Connection, start: Start, spec: DPOSpec) -> Start:
    """The reference that the checkpoint was trained against: `round_start` is its parent."""
    if spec.reference_model == "round_start" and start.checkpoints:
        return Start("round_start", start.model, start.checkpoints[:-1])
    return starts.resolve_reference(db, spec.reference_model, start)


def _submit(tx: Connection, kind: str, content: Mapping[str, Any], key: str | None) -> Job:
    """Queue the job, or give back the one that was queued under this key.

    Raises ConflictError when that one is about something else.
    """
    unique = identity.digest({"kind": kind, "key": uuid.uuid4().hex if key is None else key})
    job = jobs.submit(tx, kind=kind, spec=content, key=unique)
    if identity.canonical_json(dict(job.spec)) != identity.canonical_json(dict(content)):
        raise ConflictError(
            f"The key {key!r} was used for job {job.id}, which does something else.",
            "Use a new key for a new job.",
        )
    return job
