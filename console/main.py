"""The command line `pairwright`. Commands import what they need when they run: help is quick."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Annotated

import typer
from typer.core import TyperGroup

from console import failures
from console.commands import (
    ab_tests,
    agreement,
    annotators,
    api_keys,
    audit,
    backups,
    batches,
    checkpoints,
    datasets,
    demo,
    doctor,
    evaluation,
    failure_modes,
    guidelines,
    imports,
    independent,
    jobs,
    judging,
    lead_sessions,
    links,
    mining,
    models,
    pair_bulk,
    pair_views,
    pairs,
    preparing,
    qualification,
    red_teams,
    rounds,
    sampling,
    servers,
    targets,
    training,
    votes,
    workspaces,
)
from console.exit_codes import ExitCode
from console.options import AsJson, Chosen, Debug, Home, remember

ORDER = (
    *("init", "import", "batch", "link", "annotator", "agreement", "pair", "lead", "votes"),
    *("up", "worker"),
    *("audit", "dataset", "model", "train", "evaluate", "prepare", "sample", "ab", "judge"),
    *("job", "checkpoint", "benchmark", "round", "mine", "failures"),
    *("api-key", "doctor", "backup", "restore", "demo"),
)


# commands that stand alone; all others are in a group
_SINGLE: Mapping[str, Callable[..., None]] = {
    "init": workspaces.init,
    "import": imports.import_records,
    "agreement": agreement.agreement,
    "up": servers.up,
    "worker": servers.worker,
    "train": training.train,
    "evaluate": evaluation.evaluate,
    "prepare": preparing.prepare,
    "sample": sampling.sample,
    "ab": ab_tests.ab,
    "judge": judging.judge,
    "mine": mining.mine,
    "doctor": doctor.doctor,
    "backup": backups.backup,
    "restore": backups.restore,
    "demo": demo.demo,
}
_OF_BATCHES = {**batches.COMMANDS, **guidelines.COMMANDS, **qualification.COMMANDS}


class _InOrder(TyperGroup):
    """Lists the commands in the order of the loop."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return sorted(super().list_commands(ctx), key=ORDER.index)


def build_app() -> typer.Typer:
    """All commands and groups of commands."""
    app = typer.Typer(
        cls=_InOrder,
        name="pairwright",
        help="Align vision-language models with expert preferences.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_program)
    for name, function in _SINGLE.items():
        app.command(name)(function)
    app.add_typer(_group("batch", _OF_BATCHES, "Pairs given out for labeling together."))
    app.add_typer(_group("link", links.COMMANDS, "Links that let people label a batch."))
    app.add_typer(_group("annotator", annotators.COMMANDS, "Who voted, and how far to rely on it."))
    pair = _group("pair", pairs.COMMANDS, "Pairs, the leads' queue, and decisions.")
    pair.add_typer(_group("bulk", pair_bulk.COMMANDS, "Many pairs at once, with the way back."))
    pair.add_typer(_group("view", pair_views.COMMANDS, "Filters that have a name."))
    app.add_typer(pair)
    app.add_typer(_group("lead", lead_sessions.COMMANDS, "Browsers at the bench of a lead."))
    app.add_typer(_group("votes", votes.COMMANDS, "What experts decided, one by one."))
    app.add_typer(_group("audit", audit.COMMANDS, "Pairs kept from training, to measure rounds."))
    app.add_typer(_group("dataset", datasets.COMMANDS, "Decisions frozen for training."))
    app.add_typer(_group("model", models.COMMANDS, "Models to start from."))
    app.add_typer(_group("job", jobs.COMMANDS, "Background work: runs, evaluations, samples."))
    app.add_typer(_group("checkpoint", checkpoints.COMMANDS, "What training made."))
    app.add_typer(
        _group(
            "benchmark",
            {**independent.COMMANDS, **red_teams.COMMANDS},
            "What others' questions and labels say of checkpoints.",
        )
    )
    app.add_typer(
        _group(
            "round",
            {**rounds.COMMANDS, **targets.COMMANDS},
            "The loop: where it stands, and its next step.",
        )
    )
    app.add_typer(
        _group("failures", failure_modes.COMMANDS, "What goes wrong in rejected answers.")
    )
    app.add_typer(_group("api-key", api_keys.COMMANDS, "Keys of programs that call the API."))
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run one command line; return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    # known before parsing, so that a command line that cannot be parsed is answered in JSON too
    chosen = Chosen(as_json="--json" in arguments)
    try:
        code = build_app()(arguments, prog_name="pairwright", standalone_mode=False, obj=chosen)
    except (Exception, KeyboardInterrupt) as error:
        return failures.report(error, chosen)
    return code if isinstance(code, int) else ExitCode.DONE


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"pairwright {version('pairwright')}")
        raise typer.Exit


def _group(name: str, commands: Mapping[str, Callable[..., None]], help_text: str) -> typer.Typer:
    group = typer.Typer(name=name, help=help_text, no_args_is_help=True, rich_markup_mode=None)
    group.callback()(remember)
    for command, function in commands.items():
        group.command(command)(function)
    return group


def _program(
    context: typer.Context,
    home: Home = None,
    as_json: AsJson = False,
    debug: Debug = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version."),
    ] = False,
) -> None:
    remember(context, home, as_json, debug)


if __name__ == "__main__":
    sys.exit(main())
