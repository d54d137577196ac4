"""What a card says, taken from the ledger by the worker: no path of this machine is in it.

Names of annotators stay here too: labels of one person are called "one annotator".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from storage import (
    checkpoints,
    dataset_versions,
    evaluations,
    events,
    independent_results,
    jobs,
    judgements,
    models,
    publications,
)
from storage.ledger import Connection
from storage.rows import Checkpoint, DatasetVersion, Job
from training.hub import names
from training.jobs import keeping, starts
from training.jobs.starts import Start

_KNOWN_LABELS = ("consensus", "imported", "oracle", "mixed", judgements.SOURCE)
_ONE = "one annotator"
# what says nothing about the training, or names people and places
_NOT_TOLD = (
    *("hub", "edge_case_mining", "model_name", "task_name"),
    *("tracking", "tracking_project", "tracking_files"),
)
_POLICY_TOLD = (
    *("labels", "policy", "min_votes", "min_agreement", "min_confidence", "seed", "audit"),
)


def collect(db: Connection, job: Job) -> dict[str, Any]:
    """Everything that the runner needs to know for the card and the push, as JSON.

    Raises:
        NotFoundError: the checkpoint or dataset version is gone.
    """
    wanted = dict(job.spec["settings"])
    if wanted["what"] == "dataset":
        version = dataset_versions.get(db, wanted["subject"])
        tag = names.tag_of(version.id, version.digest)
        return wanted | {"tag": tag, "dataset": _dataset(db, version)}
    if "step" in wanted:
        checkpoint = _of_step(db, jobs.get(db, job.spec["run"]), wanted["step"])
    else:
        checkpoint = checkpoints.get(db, wanted["subject"])
    tag = names.tag_of(checkpoint.name, checkpoint.id.removeprefix("c"))
    return wanted | {"tag": tag} | _checkpoint(db, checkpoint, is_step="step" in wanted)


def labels(said: Any) -> str:
    """Whose labels, without the name of a person."""
    return said if said in _KNOWN_LABELS else _ONE


def _of_step(db: Connection, run: Job, step: int) -> Checkpoint:
    """The checkpoint that a run had at a step, with the figures of that step."""
    settings, start = run.spec["settings"], Start.of_json(run.spec["start"])
    told = [
        event
        for event in events.listed(db, run.id, kind="metric")
        if event.payload.get("split") == "holdout" and event.payload.get("step") == step
    ]
    return Checkpoint(
        id=keeping.checkpoint_made(run),
        name=f"{keeping.name_asked(run)}-step-{step}",
        job_id=run.id,
        parent=start.tip,
        model=start.model,
        kind="adapter" if settings["method"] == "lora" else "full",
        path="",
        dataset_version=run.spec["dataset"],
        config=settings,
        metrics=dict(told[-1].payload["values"]) if told else {},
        created_at=told[-1].at if told else run.started_at or run.created_at,
    )


def _checkpoint(db: Connection, checkpoint: Checkpoint, *, is_step: bool) -> dict[str, Any]:
    below = [] if checkpoint.parent is None else checkpoints.lineage(db, checkpoint.parent)
    line = [*below, checkpoint]
    version = dataset_versions.get(db, checkpoint.dataset_version)
    return {
        "name": checkpoint.name,
        "made": _day(checkpoint.created_at),
        "form": checkpoint.kind,
        "base": _base(db, line),
        "lineage": [
            {"name": one.name, "form": one.kind, "stage": one.config.get("stage", "dpo")}
            | _trained_on(db, one)
            for one in line
        ],
        "dataset": _dataset(db, version),
        "settings": {k: v for k, v in checkpoint.config.items() if k not in _NOT_TOLD},
        "metrics": _metrics(checkpoint.metrics),
        "evaluations": [
            {
                "dataset": one.dataset_version,
                "split": one.split,
                "metrics": _metrics(one.metrics),
            }
            for one in reversed(evaluations.listed(db, checkpoint.id))
            if one.job_id != checkpoint.job_id and not is_step
        ],
        "independent": [] if is_step else _independent(db, checkpoint),
    }


def _independent(db: Connection, checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """The newest result of every benchmark; names of files and jobs stay here."""
    return [
        {
            "benchmark": one.benchmark,
            "kind": one.kind.value,
            "made": _day(one.created_at),
            "metrics": dict(one.metrics),
        }
        for one in independent_results.newest(db, checkpoint.id)
    ]


def _base(db: Connection, line: list[Checkpoint]) -> dict[str, Any]:
    """The model underneath: its id on the Hub, or the name that it has here."""
    full = [one for one in line[:-1] if one.kind == "full"]
    if full and line[-1].kind == "adapter":
        return {"hub": "", "name": full[-1].name}
    model = line[-1].model
    if starts.is_hub_id(model):
        return {"hub": model, "name": model}
    known = [one.name for one in models.listed(db) if one.location == model]
    return {"hub": "", "name": known[0] if known and "/" not in known[0] else ""}


def _trained_on(db: Connection, checkpoint: Checkpoint) -> dict[str, Any]:
    """The version of a checkpoint, and where it is on the Hub."""
    version = dataset_versions.get(db, checkpoint.dataset_version)
    there = publications.listed(db, version.id, "dataset")
    return {
        "dataset": version.id,
        "digest": version.digest,
        "repo": there[0].repo if there else "",
        "revision": there[0].revision if there else "",
    }


def _dataset(db: Connection, version: DatasetVersion) -> dict[str, Any]:
    there = publications.listed(db, version.id, "dataset")
    told = {name: version.policy[name] for name in _POLICY_TOLD if name in version.policy}
    filters = dict(version.policy.get("filters") or {})
    told |= {f"filter {name}": _impersonal(name, value) for name, value in filters.items()}
    return {
        "version": version.id,
        "digest": version.digest,
        "made": _day(version.created_at),
        "rows": version.rows,
        "train": version.train,
        "holdout": version.holdout,
        "labels": labels(version.labels),
        "policy": told,
        "excluded": dict(version.excluded),
        "kept_apart": list(dict(version.policy.get("split") or {}).get("kept_apart") or ()),
        "repo": there[0].repo if there else "",
        "revision": there[0].revision if there else "",
    }


def _impersonal(name: str, value: Any) -> Any:
    """A filter as the public is told of it: nobody's name leaves the workspace."""
    return "one person" if name == "annotator" else value


def _metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {**figure, "labels": labels(figure["labels"])} if _has_labels(figure) else figure
        for name, figure in metrics.items()
    }


def _has_labels(figure: Any) -> bool:
    return isinstance(figure, Mapping) and "labels" in figure


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1_000_000, UTC).strftime("%Y-%m-%d")
