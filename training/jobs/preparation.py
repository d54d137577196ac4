"""A job folder made ready for one attempt: ids of the ledger become paths that a runner opens."""

from __future__ import annotations

from pathlib import Path

from storage import dataset_versions, jobs
from storage.ledger import Connection
from storage.rows import Job
from storage.workspace import Workspace
from training.hub import facts, steps
from training.jobs import starts
from training.jobs.folder import CACHE, Answerer, DatasetRef, JobFolder, RunSpec
from training.jobs.starts import Start


def make_ready(workspace: Workspace, job: Job, folder: JobFolder) -> RunSpec:
    """Write `spec.json` for this attempt; checkpoints of earlier attempts stay where they are.

    Raises NotFoundError when something that the job was submitted with is gone.
    """
    with workspace.ledger.read() as db:
        run = _run_spec(db, workspace, job)
    folder.write_spec(run)
    if job.kind == "judge":
        from training.judging import submission

        submission.write_pairs(workspace, job, folder)
    if job.kind == "score":
        from training.pool import submission as pools

        pools.write_pairs(workspace, job, folder)
    return run


def _run_spec(db: Connection, workspace: Workspace, job: Job) -> RunSpec:
    home = workspace.home
    model, adapters = "", tuple[str, ...]()
    if "start" in job.spec:
        model, adapters = starts.locate(db, home, Start.of_json(job.spec["start"]))
    if job.kind == "publish" and "step" in job.spec["settings"]:
        model, adapters = _with_step(db, workspace, job, model, adapters)
    reference_model, reference_adapters = "", None
    if "reference" in job.spec:
        reference = Start.of_json(job.spec["reference"])
        reference_model, reference_adapters = starts.locate(db, home, reference)
    prompts = job.spec.get("prompts")
    return RunSpec(
        job=job.id,
        attempt=job.attempt,
        kind=job.kind,
        settings=job.spec["settings"],
        model=model,
        adapters=adapters,
        reference_model=reference_model,
        reference_adapters=reference_adapters,
        dataset=_dataset(db, home, job),
        split=job.spec.get("split", "holdout"),
        blank_pictures=bool(job.spec.get("blank_pictures", False)),
        answers=int(job.spec.get("answers", 0)),
        media_url=workspace.media.url,
        prompts=prompts,
        pictures_root=job.spec.get("pictures_root") or (prompts and str(Path(prompts).parent)),
        publication=facts.collect(db, job) if job.kind == "publish" else None,
        cache=str((home / CACHE).resolve()),
        judge=job.spec.get("judge"),
        answerers=_answerers(db, home, job),
        base=job.spec["start"]["model"] if "start" in job.spec else "",
    )


def _answerers(db: Connection, home: Path, job: Job) -> tuple[Answerer, ...]:
    """Everything that a sampling of several asks; nothing where one answers alone."""
    if not job.spec.get("rivals"):
        return ()
    asked = [Start.of_json(one) for one in (job.spec["start"], *job.spec["rivals"])]
    return tuple(
        Answerer(start.tip or start.name, *starts.locate(db, home, start)) for start in asked
    )


def _with_step(
    db: Connection, workspace: Workspace, job: Job, model: str, adapters: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    """What a step of a run stands on, with the step's own weights on it or in its place."""
    run = jobs.get(db, job.spec["run"])
    folder = JobFolder(workspace.jobs_folder / run.id)
    weights = str(steps.source(folder, job.spec["settings"]["step"]).resolve())
    is_adapter = run.spec["settings"]["method"] == "lora"
    return (model, (*adapters, weights)) if is_adapter else (weights, ())


def _dataset(db: Connection, home: Path, job: Job) -> DatasetRef | None:
    if "dataset" not in job.spec:
        return None
    version = dataset_versions.get(db, job.spec["dataset"])
    path = str((home / version.path).resolve())
    return DatasetRef(version.id, path, version.labels, version.digest)
