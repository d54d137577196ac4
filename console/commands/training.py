"""pairwright train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from training.spec import DPOSpec


@shared
def train(
    run: Run,
    dataset: Annotated[
        str | None, typer.Option(metavar="V", help="Dataset version to learn from.")
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="X",
            help="Where to start: a named model, a checkpoint, a folder or a Hub id.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings, as JSON or TOML.", show_default=False),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting; wins over --config."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until it ends.")] = False,
    explain: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Say what a setting means, then stop; `all` for all."),
    ] = None,
) -> None:
    """Train with DPO in the background.

    The result is a checkpoint with its lineage and figures.
    """
    if explain is not None:
        _explain(run, explain)
        return
    if dataset is None or start_from is None:
        missing = "--dataset" if dataset is None else "--from"
        raise typer.BadParameter(f"train needs {missing} (or --explain KEY)")
    from console.commands import datasets, jobs
    from training import submission

    spec = _read_settings(run, config, settings or [])
    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            datasets.get(db, dataset)
        job = submission.submit_training(
            workspace, dataset=dataset, start_from=start_from, spec=spec
        )
        jobs.show_outcome(run, workspace, job, wait)


def _read_settings(run: Run, config: Path | None, words: list[str]) -> DPOSpec:
    from training import spec as specs

    spec = specs.build_spec(config, words)
    for warning in specs.warnings_of(spec):
        run.output.say(f"Warning: {warning}")
    return spec


def _explain(run: Run, key: str) -> None:
    from training import explain

    if key == "all":
        run.output.show({"settings": explain.explain_all()}, explain.explain_all())
        return
    setting, default = explain.find(key)
    run.output.show({**vars(setting), "default": default}, explain.explain(key))
