"""What jobs leave for analytics: scores and generations, sealed out of the job folders.

It happens just before a job counts as done, so that who waits for a job finds them. What a crash or
an older version left unsealed is made up for when a worker starts.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from storage import dataset_versions, generations, jobs, judgements, scores, segments
from storage.errors import PairwrightError
from storage.generations import Drawn
from storage.judgements import JudgedBy
from storage.rows import Job, JobState
from storage.sampled_prompts import PromptReader
from storage.scores import Measured
from storage.segments import SegmentKind
from storage.workspace import Workspace
from training.jobs.folder import JobFolder
from training.jobs.starts import Start

_KINDS = {
    "train": SegmentKind.SCORES,
    "evaluate": SegmentKind.SCORES,
    "sample": SegmentKind.GENERATIONS,
    "judge": SegmentKind.JUDGEMENTS,
}
_MOST_JOBS = 100_000


def keep(workspace: Workspace, job: Job, reader: PromptReader | None = None) -> bool:
    """Seal what a job left; False when there is nothing, or when it cannot be kept, which is said
    but never fails the job. `reader` reads the prompts of a sampling."""
    if job.kind not in _KINDS or _is_independent(job):
        return False
    try:
        return _seal(workspace, job, reader)
    except PairwrightError as error:
        print(f"job {job.id}: its {_KINDS[job.kind]} are not kept: {error}", flush=True)
    except Exception:
        # whatever a runner wrote into the file, the job is done and the worker goes on
        traceback.print_exc()
    return False


def make_up(workspace: Workspace) -> int:
    """Seal what earlier jobs left and nobody has sealed; return how many jobs that was.

    Raises WorkspaceError when the ledger cannot be read.
    """
    with workspace.ledger.read() as db:
        sealed = {kind: segments.listed(db, kind) for kind in set(_KINDS.values())}
        known = {(kind, one.low) for kind, found in sealed.items() for one in found}
        done = [
            job
            for job in jobs.listed(db, limit=_MOST_JOBS)
            if job.state is JobState.SUCCEEDED or _keeps_what_it_has(job)
            if job.kind in _KINDS and (_KINDS[job.kind], job.id) not in known
        ]
    return sum(keep(workspace, job) for job in done)


def _seal(workspace: Workspace, job: Job, reader: PromptReader | None) -> bool:
    folder = JobFolder(workspace.jobs_folder / job.id)
    if job.kind == "sample":
        if not folder.samples_file.is_file():
            return False
        kept = generations.seal(workspace, folder.samples_file, _drawn(job), reader)
        if kept.left_out:
            print(f"job {job.id}: {kept.left_out} answered prompts cannot be used", flush=True)
        return kept.segment is not None
    if job.kind == "judge":
        if not folder.judgements_file.is_file():
            return False
        told = job.spec["judge"]
        by = JudgedBy(job.id, told["name"], told["version"], job.created_at)
        return judgements.seal(workspace, folder.judgements_file, by) is not None
    if not folder.scores_file.is_file():
        return False
    return scores.seal(workspace, folder.scores_file, _measured(workspace, job)) is not None


def _is_independent(job: Job) -> bool:
    """Questions of a benchmark are kept apart from those of the workspace, with their pictures."""
    return "independent" in dict(job.spec.get("then") or {})


def _keeps_what_it_has(job: Job) -> bool:
    """Labels of a judge were paid for pair by pair, and each is as good as if the job had ended."""
    return job.kind == "judge" and job.state.is_final


def _measured(workspace: Workspace, job: Job) -> Measured:
    settings: Mapping[str, Any] = job.spec["settings"]
    with workspace.ledger.read() as db:
        version = dataset_versions.get(db, job.spec["dataset"])
    return Measured(
        job=job.id,
        checkpoint=checkpoint_made(job) if job.kind == "train" else _answering(job),
        dataset_version=version.id,
        split=str(job.spec.get("split", "holdout")),
        reference=str(settings["reference_model"]),
        labels=version.labels,
        beta=float(settings["beta"]),
    )


def checkpoint_made(job: Job) -> str:
    """The id of the checkpoint that a training makes."""
    return f"c{job.id}"


def name_asked(job: Job) -> str:
    """The name that its checkpoint is to have: as set, else made from dataset and job."""
    return job.spec["settings"].get("model_name") or f"{job.spec['dataset']}-{job.id[:8]}"


def _drawn(job: Job) -> Drawn:
    settings: Mapping[str, Any] = job.spec["settings"]
    return Drawn(
        job=job.id,
        checkpoint=_answering(job),
        temperature=float(settings.get("temperature", 1.0)),
        seed=int(settings.get("seed", 0)),
        at=job.created_at,
    )


def _answering(job: Job) -> str:
    """The checkpoint that a job measures or asks, else the name of the bare model."""
    start = Start.of_json(job.spec["start"])
    return start.tip or start.name
