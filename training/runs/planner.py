"""A plan asked for: a runner of its own measures in a folder that is gone afterwards."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from storage import dataset_versions, demonstrations
from storage.errors import PairwrightError, WrongInputError
from storage.workspace import Workspace
from training.jobs import local_runner, starts
from training.jobs.folder import CACHE, DatasetRef, JobFolder, RunSpec
from training.jobs.local_runner import LocalRunner
from training.runs.plan import Plan
from training.settings import DPO, division
from training.settings.spec import DPOSpec

_POLL_SECONDS = 0.1


def make(
    workspace: Workspace,
    *,
    dataset: str,
    start_from: str,
    spec: DPOSpec,
    waiting: Callable[[], None] = lambda: None,
) -> Plan:
    """Measure one step of this training on this machine and say what the whole will need.

    Nothing is queued and no worker is needed. `waiting` is called several times a second.

    Raises:
        NotFoundError, WrongInputError: something named is not there or cannot be used.
        PairwrightError: a single pair does not fit, or the runner ended without a plan.
    """
    division.check(spec)
    folder = JobFolder(workspace.home / CACHE / f"plan-{uuid.uuid4().hex}")
    try:
        folder.write_spec(_run_spec(workspace, dataset, start_from, spec))
        return _planned(folder, waiting)
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)


def _run_spec(workspace: Workspace, dataset: str, start_from: str, spec: DPOSpec) -> RunSpec:
    home = workspace.home
    with workspace.ledger.read() as db:
        version = dataset_versions.get(db, dataset)
        if spec.stage != DPO:
            raise WrongInputError(
                f"A plan measures DPO, and the stage is {spec.stage}.",
                "Start the run; its page shows memory and tokens per second from the first steps.",
            )
        demonstrations.refuse(version, "DPO")
        start = starts.resolve(db, start_from)
        reference = starts.resolve_reference(db, spec.reference_model, start)
        model, adapters = starts.locate(db, home, start)
        reference_model, reference_adapters = starts.locate(db, home, reference)
    path = str((home / version.path).resolve())
    return RunSpec(
        job="plan",
        attempt=1,
        kind="plan",
        settings=spec.resolved(),
        model=model,
        adapters=adapters,
        reference_model=reference_model,
        reference_adapters=reference_adapters,
        dataset=DatasetRef(version.id, path, version.labels, version.digest),
        media_url=workspace.media.url,
        cache=str((home / CACHE).resolve()),
        base=start.model,
    )


def _planned(folder: JobFolder, waiting: Callable[[], None]) -> Plan:
    runner = LocalRunner(folder)
    try:
        while (status := runner.poll()) is None:
            waiting()
            time.sleep(_POLL_SECONDS)
    finally:
        runner.kill()
    result = folder.result()
    if result is None or result.state == "stopped":
        raise PairwrightError(
            f"The plan was not finished. {local_runner.describe_exit(status)}", _tail(folder.path)
        )
    if result.state == "failed":
        raise PairwrightError(result.what, result.next_step)
    return Plan.of_json(result.metrics)


def _tail(folder: Path) -> str:
    tail = JobFolder(folder).log_tail()
    return f"Last lines of its log:\n{tail}" if tail else "Try again, or start the run itself."
