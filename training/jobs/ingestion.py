"""From a job folder into the ledger: events while a run goes on, checkpoint and figures at its end.

Every write carries the fence of the attempt, so what a superseded worker still reads changes
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from storage import checkpoints, evaluations, events, jobs, publications, samples
from storage.errors import DamagedError
from storage.ledger import Connection, Ledger
from storage.rows import Job, JobEvent, JobState, Source
from storage.sampled_prompts import PromptReader
from storage.workspace import Workspace
from training.hub import steps
from training.hub import submission as pushes
from training.jobs import keeping
from training.jobs.folder import EVENT_KINDS, JobFolder, RunResult
from training.jobs.starts import Start
from training.runs import manifest

# lines in one transaction, so that votes never wait long for it
_SLICE = 200

Record = Callable[[Connection], object]


class Follower:
    """Reads `events.jsonl` as it grows. A line counts when it is whole."""

    def __init__(self, folder: JobFolder, db: Connection, job: Job) -> None:
        self._folder = folder
        self._job = job
        self._offset = 0
        known = events.listed(db, job.id)
        self._after = max((event.sequence for event in known), default=0)

    def ingest(self, ledger: Ledger) -> Mapping[str, Any] | None:
        """Bring all new events into the ledger; the newest progress among them, if any.

        Raises StaleFenceError when the job is no longer ours, WorkspaceError when the ledger is
        away: then the same events come again.
        """
        progress: Mapping[str, Any] | None = None
        while True:
            rows, offset = self._next()
            if rows:
                self._append(ledger, rows)
                self._after = rows[-1].sequence
                steps.queue(ledger, self._job, self._folder, _saved(rows))
                progress = next(
                    (row.payload for row in reversed(rows) if row.kind == "progress"), progress
                )
            if offset == self._offset:
                return progress
            self._offset = offset

    def _append(self, ledger: Ledger, rows: Sequence[JobEvent]) -> None:
        """Also what an earlier attempt left behind, under that attempt's number."""
        with ledger.write() as tx:
            for attempt, group in groupby(rows, key=lambda row: row.attempt):
                events.append(tx, self._job.id, self._job.fence, attempt, list(group))

    def _next(self) -> tuple[list[JobEvent], int]:
        rows: list[JobEvent] = []
        offset = self._offset
        try:
            file = self._folder.events_file.open("rb")
        except FileNotFoundError:
            return rows, offset
        with file:
            file.seek(offset)
            for _ in range(_SLICE):
                line = file.readline()
                if not line.endswith(b"\n"):
                    break
                offset += len(line)
                event = self._event(line)
                if event is not None and event.sequence > self._after:
                    rows.append(event)
        return rows, offset

    def _event(self, line: bytes) -> JobEvent | None:
        """The event of a line; None for one that is not what the contract says."""
        try:
            data = json.loads(line)
            row = JobEvent(
                job_id=self._job.id,
                attempt=int(data.get("attempt") or self._job.attempt),
                sequence=int(data["sequence"]),
                kind=str(data["kind"]),
                payload=dict(data["payload"]),
                at=int(data["at"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return row if row.kind in EVENT_KINDS else None


def _saved(rows: Sequence[JobEvent]) -> list[int]:
    """The steps whose checkpoints these events tell of."""
    found = [row.payload.get("step") for row in rows if row.kind == "checkpoint"]
    return [step for step in found if isinstance(step, int)]


def take_over(workspace: Workspace, job: Job, folder: JobFolder, result: RunResult) -> Record:
    """Bring the files of a successful run into the workspace; what is left is one write.

    Doing it again after a crash changes nothing more. Raises DamagedError when the checkpoint does
    not verify.
    """
    if job.kind == "sample":
        return _take_samples(workspace, job, folder, result)
    if job.kind == "publish":
        return _take_publication(job, result)
    if job.kind == "judge":
        return _take_judgements(workspace, job, result)
    if job.kind == "score":
        # its scores stay in its folder: they say nothing about who is right
        said = {"metrics": dict(result.metrics)}
        return lambda tx: jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED, said)
    # before the job counts as done: who waits for it finds its scores
    keeping.keep(workspace, job)
    if job.kind == "train":
        return _take_training(workspace, job, folder, result)
    return _take_evaluation(job, result)


def _take_training(workspace: Workspace, job: Job, folder: JobFolder, result: RunResult) -> Record:
    source = (folder.path / (result.checkpoint or "")).resolve()
    if not result.checkpoint or not source.is_relative_to(folder.checkpoints.resolve()):
        raise DamagedError(
            f"The run of job {job.id} names {result.checkpoint!r} as its checkpoint.",
            "A checkpoint lies in the folder checkpoints of its job.",
        )
    checkpoint_id = keeping.checkpoint_made(job)
    manifest.publish(source, workspace.checkpoints_folder / checkpoint_id)
    start = Start.of_json(job.spec["start"])
    others = [step for step in manifest.steps(folder.checkpoints) if f"step-{step}" != source.name]

    def record(tx: Connection) -> None:
        name = checkpoints.free_name(tx, keeping.name_asked(job))
        made = checkpoints.add(
            tx,
            checkpoint_id=checkpoint_id,
            name=name,
            job_id=job.id,
            parent=start.tip,
            model=start.model,
            kind=result.kind or "adapter",
            path=f"{workspace.checkpoints_folder.name}/{checkpoint_id}",
            dataset_version=job.spec["dataset"],
            config=job.spec["settings"],
            metrics=dict(result.metrics),
        )
        _finish(tx, job, {"checkpoint": checkpoint_id, "name": name}, checkpoint_id, result)
        pushes.queue_after_training(tx, job, made, others)

    return record


def _take_publication(job: Job, result: RunResult) -> Record:
    wanted, done = job.spec["settings"], dict(result.publication)
    if not done.get("revision"):
        raise DamagedError(
            f"The run of job {job.id} names no revision that it pushed.", "Push again."
        )

    def record(tx: Connection) -> None:
        publications.add(
            tx,
            job_id=job.id,
            kind=wanted["what"],
            subject=wanted["subject"],
            repo=wanted["repo"],
            revision=done["revision"],
            tag=done["tag"],
            url=done["url"],
            private=done["private"],
        )
        said = {"repo": wanted["repo"], wanted["what"]: wanted["subject"], **done}
        jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED, said)

    return record


def _take_evaluation(job: Job, result: RunResult) -> Record:
    start = Start.of_json(job.spec["start"])
    measured = start.tip or start.name

    def record(tx: Connection) -> None:
        _finish(tx, job, {"checkpoint": measured}, measured, result)

    return record


def _take_judgements(workspace: Workspace, job: Job, result: RunResult) -> Record:
    keeping.keep(workspace, job)
    told = job.spec["judge"]
    said = {
        "batch": job.spec["batch"],
        "judge": told["name"],
        "version": told["version"],
        "metrics": dict(result.metrics),
    }
    return lambda tx: jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED, said)


def _take_samples(workspace: Workspace, job: Job, folder: JobFolder, result: RunResult) -> Record:
    reader = PromptReader(folder.path, workspace.media)
    keeping.keep(workspace, job, reader)
    settings = job.spec["settings"]
    if settings.get("answers") == 1 and not job.spec.get("rivals"):
        # one answer makes no pair; it is kept to compare one model with another
        said = {"batch": "", "metrics": dict(result.metrics)}
        return lambda tx: jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED, said)
    start = Start.of_json(job.spec["start"])
    source = Source("checkpoint", start.tip or start.name, settings)
    report = samples.add_samples(
        workspace,
        folder.samples_file,
        batch=job.spec["batch"],
        source=source,
        reader=reader,
        pairs_per_prompt=int(settings.get("pairs_per_prompt", 1)),
        min_difference=float(settings.get("min_difference", 0.0)),
    )
    counted = {
        "batch": job.spec["batch"],
        "metrics": dict(result.metrics),
        "report": asdict(report),
    }

    def record(tx: Connection) -> None:
        jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED, counted)

    return record


def _finish(
    tx: Connection, job: Job, said: Mapping[str, Any], measured: str, result: RunResult
) -> None:
    metrics = dict(result.metrics)
    evaluations.add(
        tx,
        job_id=job.id,
        checkpoint=measured,
        dataset_version=job.spec["dataset"],
        split=job.spec.get("split", "holdout"),
        metrics=metrics,
    )
    jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED, {**said, "metrics": metrics})
