"""What the Train page shows: the form's fields with their texts, and the run they would start."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from console.views import datasets, models, wording
from console.views.models import StartFacts
from storage import checkpoints, dataset_versions, identity, workers
from storage import models as stored_models
from storage.ledger import Connection
from storage.rows import DatasetVersion
from storage.workspace import Workspace
from training.jobs import starts, submission
from training.jobs.starts import Start
from training.modeling import tuned
from training.runs import memory, schedule
from training.settings import DPO, SETTINGS, Setting, explain
from training.settings import spec as specs
from training.settings.spec import DPOSpec

FIRST = ("epochs", "batch_size", "learning_rate", "lora_rank", "beta")
METHOD = "method"
NAMES = ("task_name", "model_name")

Kind = Literal["choice", "whole", "number", "text"]


@dataclass(frozen=True)
class Field:
    """One field of the form. `default` is in the type of its widget; texts are ours, not data."""

    key: str
    kind: Kind
    default: Any
    help: str
    usual: str
    setting: Setting


@dataclass(frozen=True)
class Offers:
    """What there is to train on and to start from.

    `datasets` and `starts` map a name to what is said about it, in the order of the form.
    """

    datasets: Mapping[str, str]
    starts: Mapping[str, str]
    workers: int


@dataclass(frozen=True)
class RunPlan:
    """A training that has not started yet.

    Attributes:
        sentences: how many pairs are used and how many updates that makes.
        warnings: settings that are possible but unusual, and what will be missing.
        resolved: every setting with the value used.
        command: the same run on the command line.
        doubt: why DPO should not begin at this start; empty when nothing speaks against it.
    """

    dataset: str
    start: str
    spec: DPOSpec
    facts: StartFacts
    sentences: Sequence[str]
    warnings: Sequence[str]
    resolved: Sequence[tuple[str, str]]
    command: str
    doubt: str = ""


def offers(workspace: Workspace) -> Offers:
    with workspace.ledger.read() as db:
        versions = reversed(dataset_versions.listed(db))
        return Offers(
            # the audit set measures, and never trains
            datasets={
                version.id: datasets.summary(version)
                for version in versions
                if not version.policy.get("audit")
            },
            starts={
                **{model.name: "model" for model in stored_models.listed(db)},
                **{
                    row.name: f"checkpoint, trained on {row.dataset_version}"
                    for row in checkpoints.listed(db)
                },
            },
            workers=workers.live(db),
        )


def fields(group: str = "") -> dict[str, Field]:
    """The fields by key, of one group of settings or of all."""
    defaults = DPOSpec().flat()
    return {
        key: _field(setting, defaults[key])
        for key, setting in SETTINGS.items()
        if not group or setting.group == group
    }


def advanced() -> dict[str, list[Field]]:
    """The fields that are not shown at first, by their group, in the order of the texts."""
    shown = {*FIRST, *NAMES, METHOD}
    found: dict[str, list[Field]] = {}
    for key, field in fields().items():
        if key not in shown:
            found.setdefault(field.setting.group, []).append(field)
    return found


def words(given: Mapping[str, Any]) -> list[str]:
    """What differs from the defaults, as the KEY=VALUE words of `pairwright train --set`."""
    known = fields()
    found = []
    for key, value in given.items():
        text = _text(value)
        if text and text != _text(known[key].default):
            found.append(f"{key}={text}")
    return found


def plan(workspace: Workspace, dataset: str, start: str, changed: Sequence[str]) -> RunPlan:
    """The run that these choices would start. `changed` are KEY=VALUE words.

    Raises:
        WrongInputError: a setting is impossible, or the start holds no model.
        NotFoundError: no such version, start or reference.
    """
    spec = specs.build_spec(None, changed)
    with workspace.ledger.read() as db:
        version = dataset_versions.get(db, dataset)
        origin = starts.resolve(db, start)
        facts = _facts(db, workspace, origin, spec)
    options = [word for change in changed for word in ("--set", change)]
    doubt = tuned.doubt(origin) if spec.stage == DPO else ""
    options += ["--yes-no-sft"] if doubt else []
    return RunPlan(
        dataset=version.id,
        start=start,
        spec=spec,
        facts=facts,
        sentences=_sentences(spec, version),
        warnings=[*specs.warnings_of(spec), *_missing(spec, version)],
        resolved=[(key, _shown(value)) for key, value in spec.flat().items()],
        command=wording.command(
            workspace.home, "train", "--dataset", version.id, "--from", start, *options
        ),
        doubt=doubt,
    )


def submit(workspace: Workspace, wanted: RunPlan, form: str) -> str:
    """Queue the run and return its job's id; the same form and choices give the same job.

    Raises:
        NotFoundError, WrongInputError: something is gone or cannot be used.
    """
    job = submission.submit_training(
        workspace,
        dataset=wanted.dataset,
        start_from=wanted.start,
        spec=wanted.spec,
        key=identity.digest({"form": form, "run": wanted.command}),
    )
    return job.id


def _facts(db: Connection, workspace: Workspace, origin: Start, spec: DPOSpec) -> StartFacts:
    reference = starts.resolve_reference(db, spec.reference_model, origin)
    weights, adapters = starts.locate(db, workspace.home, origin)
    same = (reference.model, reference.checkpoints) == (origin.model, origin.checkpoints)
    return models.start(
        origin.name,
        weights,
        spec,
        memory.this_machine(),
        starts_as_reference=same,
        merges=bool(adapters),
    )


def _sentences(spec: DPOSpec, version: DatasetVersion) -> list[str]:
    used = min(version.train, spec.max_pairs)
    accumulation = spec.accumulation_steps(used)
    epoch = schedule.steps_per_epoch(used, spec.batch_size, accumulation)
    together = spec.batch_size * accumulation
    interval = schedule.interval(epoch)
    often = "update" if interval == 1 else wording.count(interval, "update")
    drawn = f" drawn from {version.train:,}" if used < version.train else ""
    return [
        f"{wording.count(used, 'training pair')}{drawn}, {version.holdout:,} held out.",
        f"{wording.count(epoch, 'update')} an epoch of up to {wording.count(together, 'pair')} "
        f"each, {epoch * spec.epochs:,} in all, a measurement every {often}.",
    ]


def _missing(spec: DPOSpec, version: DatasetVersion) -> list[str]:
    if version.holdout:
        return []
    early = " early_stop has nothing to go by." if spec.early_stop else ""
    return ["Nothing is held out: validation loss, accuracies and KL will not be measured." + early]


def _field(setting: Setting, default: Any) -> Field:
    kind = _kind(setting, default)
    if kind in ("choice", "text"):
        default = "" if setting.key == "learning_rate" else _text(default)
    return Field(
        key=setting.key,
        kind=kind,
        default=default,
        help=_help(setting),
        usual=f"usual {setting.usual}" if _has_range(setting) else setting.usual,
        setting=setting,
    )


def _has_range(setting: Setting) -> bool:
    """Free text has a form, not a usual range."""
    return setting.low is not None or bool(setting.choices or setting.words)


def _kind(setting: Setting, default: Any) -> Kind:
    if setting.choices:
        return "choice"
    if setting.words or setting.low is None or isinstance(default, bool | str):
        return "text"
    return "whole" if isinstance(default, int) else "number"


def _help(setting: Setting) -> str:
    """The text of `train --explain` without its heading, as paragraphs."""
    lines = [line.strip() for line in explain.explain(setting.key).splitlines()[1:]]
    return "\n\n".join(lines)


def _text(value: Any) -> str:
    """A value as one writes it after the `=` of --set."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return str(value).strip()


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
