"""Pushes put into the queue: by a command, or by a training that was asked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from storage import checkpoints, dataset_versions, identity, jobs
from storage.ledger import Connection
from storage.rows import Checkpoint, Job, JobState
from storage.workspace import Workspace
from training.hub import names
from training.jobs import keeping, starts

KIND = "publish"
_MOST = 10_000


def submit_checkpoint(workspace: Workspace, checkpoint: str, repo: str, *, private: bool) -> Job:
    """Queue the push of a checkpoint, by id or name; a push that still waits or runs is returned.

    Raises:
        WrongInputError: the name cannot be a repository.
        NotFoundError: there is no such checkpoint.
    """
    names.check_repo(repo)
    with workspace.ledger.write() as tx:
        return queue_checkpoint(tx, checkpoints.get(tx, checkpoint), repo, private=private)


def submit_dataset(
    workspace: Workspace, version: str, repo: str, *, private: bool, licence: str = ""
) -> Job:
    """Queue the push of a dataset version; a push that still waits or runs is returned.

    Args:
        licence: what card, manifest and metadata say; only the user knows it.

    Raises:
        WrongInputError: the name cannot be a repository.
        NotFoundError: there is no such version.
    """
    names.check_repo(repo)
    with workspace.ledger.write() as tx:
        found = dataset_versions.get(tx, version)
        content = {"digest": found.digest, "dataset": found.id}
        more = {"licence": licence} if licence else {}
        return _queue(tx, "dataset", found.id, repo, private, content, more)


def queue_checkpoint(tx: Connection, checkpoint: Checkpoint, repo: str, *, private: bool) -> Job:
    """Queue the push of a checkpoint within a transaction, such as the end of its training."""
    start = starts.resolve(tx, checkpoint.id)
    content = {"start": start.as_json(), "dataset": checkpoint.dataset_version}
    return _queue(tx, "checkpoint", checkpoint.id, repo, private, content)


def queue_step(tx: Connection, run: Job, step: int) -> Job:
    """Queue the push of what a training saved at a step, where its settings say; it may still run.

    The push knows the run and where that started: the checkpoint is recorded at the run's end only.
    """
    hub = run.spec["settings"]["hub"]
    content = {"run": run.id, "start": run.spec["start"], "dataset": run.spec["dataset"]}
    made = keeping.checkpoint_made(run)
    private = bool(hub["private"])
    return _queue(tx, "checkpoint", made, hub["repo"], private, content, {"step": step})


def queue_after_training(
    tx: Connection, run: Job, checkpoint: Checkpoint, steps: Sequence[int] = ()
) -> list[Job]:
    """Queue the pushes that the settings of the training ask for, the checkpoint's own last.

    Args:
        steps: other steps that the run kept. Where each checkpoint is asked for, those are pushed
            that did not get to the Hub while it went on.
    """
    wanted = checkpoint.config.get("hub") or {}
    if not wanted.get("repo") or wanted.get("when") == "never":
        return []
    others = _not_pushed(tx, run, steps) if wanted.get("when") == "each_checkpoint" else []
    queued = [queue_step(tx, run, step) for step in others]
    private = bool(wanted["private"])
    return [*queued, queue_checkpoint(tx, checkpoint, wanted["repo"], private=private)]


def _not_pushed(tx: Connection, run: Job, steps: Sequence[int]) -> list[int]:
    there = {
        job.spec["settings"].get("step")
        for job in jobs.listed(tx, KIND, _MOST)
        if job.spec.get("run") == run.id and job.state is JobState.SUCCEEDED
    }
    return sorted(set(steps) - there)


def _queue(
    tx: Connection,
    what: str,
    subject: str,
    repo: str,
    private: bool,
    content: Mapping[str, Any],
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Job:
    """One push of a subject to a repository at a time; what has ended can be pushed again.

    Args:
        content: what the job needs beside its settings.
        more: settings of one kind of push only.
    """
    wanted = {"what": what, "subject": subject, "repo": repo, "private": private, **more}
    before = [job for job in jobs.listed(tx, KIND, _MOST) if job.spec.get("settings", {}) == wanted]
    ended = sum(job.state.is_final for job in before)
    key = identity.digest({"kind": KIND, **wanted, "ended": ended})
    return jobs.submit(tx, kind=KIND, spec={"settings": wanted, **content}, key=key)
