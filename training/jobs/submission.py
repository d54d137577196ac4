"""Jobs put into the queue: what the user named is resolved and checked before anything waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from storage import checkpoints, dataset_versions, demonstrations
from storage.errors import NotFoundError, WrongInputError
from storage.ledger import Connection
from storage.rows import DatasetVersion, Job
from storage.workspace import Workspace
from training.answers import engines
from training.jobs import queueing, starts
from training.jobs.starts import Start
from training.settings import DPO, division
from training.settings import spec as specs
from training.settings.spec import DPOSpec, SamplingSpec

SPLITS = ("train", "holdout", "all")
# every two of them are compared on every prompt
MOST_RIVALS = 6


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
    division.check(spec)
    with workspace.ledger.write() as tx:
        version = _dataset(tx, dataset, "train")
        _refuse_audit(version)
        if spec.stage == DPO:
            demonstrations.refuse(version, "DPO")
        start = starts.resolve(tx, start_from)
        reference = starts.resolve_reference(tx, spec.reference_model, start)
        content = {
            "settings": spec.resolved(),
            "start": start.as_json(),
            "reference": reference.as_json(),
            "dataset": version.id,
            "digest": version.digest,
        }
        return queueing.submit(tx, "train", content, key)


def submit_evaluation(
    workspace: Workspace,
    *,
    checkpoint: str,
    dataset: str,
    split: str = "holdout",
    blank_pictures: bool = False,
    answers: int = 0,
    key: str | None = None,
) -> Job:
    """Queue the measuring of a checkpoint, or of a bare model, on a split of a dataset version.

    A checkpoint is measured with the settings and against the reference that it was trained with;
    with `blank_pictures` once more without pictures. With `answers` both models also answer so many
    prompts.
    """
    if split not in SPLITS:
        raise WrongInputError(f"The split is {split!r}.", f"Use {', '.join(SPLITS)}.")
    with workspace.ledger.write() as tx:
        version = _dataset(tx, dataset, split)
        demonstrations.refuse(version, "an evaluation")
        start = starts.resolve(tx, checkpoint)
        spec = settings_of(tx, start)
        content = {
            "settings": spec.resolved(),
            "start": start.as_json(),
            "reference": _reference_of(tx, start, spec).as_json(),
            "dataset": version.id,
            "digest": version.digest,
            "split": split,
            **({"blank_pictures": True} if blank_pictures else {}),
            **({"answers": answers} if answers else {}),
        }
        return queueing.submit(tx, "evaluate", content, key)


def submit_sampling(
    workspace: Workspace,
    *,
    start_from: str,
    prompts: Path,
    batch: str,
    settings: SamplingSpec | Mapping[str, Any] | None = None,
    key: str | None = None,
    rivals: Sequence[str] = (),
    pictures_root: Path | None = None,
    about: Mapping[str, Any] | None = None,
    then: Mapping[str, Any] | None = None,
) -> Job:
    """Queue the drawing of answers for a file of prompts; they go into `batch` as pairs.

    With one answer per prompt no pair can be made, and `batch` means nothing: the answers are kept
    to compare one model with another. With `rivals`, other models or checkpoints that answer the
    same prompts, every pair is of answers of two of them: an A/B test.

    Args:
        pictures_root: what paths of pictures are relative to; by default the folder of the prompts.
        about: counts of how the prompts were made, kept with the job.
        then: what is to follow; kept with the job for who does it.
    """
    given = settings or {}
    spec = given if isinstance(given, SamplingSpec) else specs.parse_sampling(given)
    if not prompts.is_file():
        raise NotFoundError(f"There is no file {prompts}.", "Name a JSONL file of prompts.")
    engines.check(spec.engine)
    if (spec.answers > 1 or rivals) and not batch.strip():
        raise WrongInputError("The batch has no name.", "Name the batch that gets the pairs.")
    with workspace.ledger.write() as tx:
        asked = [starts.resolve(tx, name) for name in (start_from, *rivals)]
        _check_rivals(asked)
        content: dict[str, Any] = {
            "settings": spec.resolved(),
            "start": asked[0].as_json(),
            "prompts": str(prompts.resolve()),
            "batch": batch,
        }
        if pictures_root is not None:
            content["pictures_root"] = str(pictures_root.resolve())
        if about is not None:
            content["prepared"] = dict(about)
        if then is not None:
            content["then"] = dict(then)
        if rivals:
            content["rivals"] = [start.as_json() for start in asked[1:]]
        return queueing.submit(tx, "sample", content, key)


def _check_rivals(asked: Sequence[Start]) -> None:
    names = [start.tip or start.name for start in asked]
    if len(names) > MOST_RIVALS:
        raise WrongInputError(
            f"{len(names)} models are to answer the same prompts.", f"Name at most {MOST_RIVALS}."
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise WrongInputError(
            f"{twice[0]!r} is named twice.",
            "A model is compared with others; several answers of one are a setting, answers.",
        )


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


def _refuse_audit(version: DatasetVersion) -> None:
    """Raise WrongInputError for a version that was built from the audit set."""
    if version.policy.get("audit"):
        raise WrongInputError(
            f"The dataset version {version.id} is the audit set: it measures and never trains.",
            "Build one to train on: pairwright dataset build.",
        )


def settings_of(db: Connection, start: Start) -> DPOSpec:
    """The settings that a checkpoint was trained with; those by default for a bare model."""
    if start.tip is None:
        return DPOSpec()
    return specs.parse_spec(checkpoints.get(db, start.tip).config)


def _reference_of(db: Connection, start: Start, spec: DPOSpec) -> Start:
    """The reference that the checkpoint was trained against: `round_start` is its parent."""
    if spec.reference_model == "round_start" and start.checkpoints:
        return Start("round_start", start.model, start.checkpoints[:-1])
    return starts.resolve_reference(db, spec.reference_model, start)
