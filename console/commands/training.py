"""pairwright train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from storage.workspace import Workspace
    from training.settings.spec import DPOSpec

PlanOnly = Annotated[
    bool,
    typer.Option("--plan", help="Start nothing: measure one step, say what the run would need."),
]
Explain = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Say what a setting means, then stop; `all` for all."),
]


StartFrom = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="X",
        help="Where to start: a named model, a checkpoint, a folder or a Hub id.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Settings, as JSON or TOML.", show_default=False),
]
Stage = Annotated[
    Literal["dpo", "sft"] | None,
    typer.Option(
        metavar="dpo|sft",
        help="sft learns the chosen answers alone, and comes before dpo.",
        show_default=False,
    ),
]
NO_SFT_WORDS = "say --yes-no-sft"
YesNoSft = Annotated[
    bool, typer.Option("--yes-no-sft", help="Start DPO although the model has seen no SFT.")
]


@shared
def train(
    run: Run,
    dataset: Annotated[
        str | None, typer.Option(metavar="V", help="Dataset version to learn from.")
    ] = None,
    start_from: StartFrom = None,
    config: Config = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting; wins over --config."),
    ] = None,
    stage: Stage = None,
    yes_no_sft: YesNoSft = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until it ends.")] = False,
    plan: PlanOnly = False,
    explain: Explain = None,
) -> None:
    """Train in the background: with DPO, or with --stage sft before it.

    The result is a checkpoint with its lineage and figures.
    """
    if explain is not None:
        _explain(run, explain)
        return
    if dataset is None or start_from is None:
        missing = "--dataset" if dataset is None else "--from"
        raise typer.BadParameter(f"train needs {missing} (or --explain KEY)")
    from console.commands import datasets, jobs
    from training.jobs import starts, submission
    from training.modeling import tuned

    words = [*(settings or []), *([f"stage={stage}"] if stage else [])]
    spec = read_settings(run, config, words)
    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            datasets.get(db, dataset)
            start = starts.resolve(db, start_from)
        if plan:
            _plan(run, workspace, dataset, start_from, spec)
            return
        if not yes_no_sft:
            tuned.check(start, spec.stage, NO_SFT_WORDS)
        job = submission.submit_training(
            workspace, dataset=dataset, start_from=start_from, spec=spec
        )
        jobs.show_outcome(run, workspace, job, wait)


def _plan(run: Run, workspace: Workspace, dataset: str, start_from: str, spec: DPOSpec) -> None:
    from console.views import planning
    from training.runs import planner

    run.output.say("Measuring one step on the longest pairs; nothing is started.")
    found = planner.make(workspace, dataset=dataset, start_from=start_from, spec=spec)
    run.output.show(found.as_json(), *planning.sentences(found))
    if not run.output.as_json:
        lines = planning.machine_lines(found)
        cells = ([getattr(line, field) for field in planning.HEADINGS] for line in lines)
        run.output.table(planning.HEADINGS.values(), cells)


def read_settings(run: Run, config: Path | None, words: list[str]) -> DPOSpec:
    """The settings of a file and of the command line; warnings are said."""
    from training.settings import spec as specs

    spec = specs.build_spec(config, words)
    for warning in specs.warnings_of(spec):
        run.output.say(f"Warning: {warning}")
    return spec


def _explain(run: Run, key: str) -> None:
    from training.settings import explain

    if key == "all":
        run.output.show({"settings": explain.explain_all()}, explain.explain_all())
        return
    setting, default = explain.find(key)
    run.output.show({**vars(setting), "default": default}, explain.explain(key))
