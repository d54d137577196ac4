"""pairwright round open, list, show, batch, next, convergence, close, reopen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands.training import YesNoSft
from console.options import Run, shared

if TYPE_CHECKING:
    from rounds.convergence import Turn
    from rounds.standing import RoundStanding
    from storage.workspace import Workspace

_COLUMNS = {
    "round": "round",
    "start": "start",
    "pairs": "pairs",
    "decided": "decided",
    "planned": "target_pairs",
    "stage": "stage",
    "checkpoint": "checkpoint",
    "opened": "created_at",
}
_TURN = {
    "round": "round",
    "checkpoint": "checkpoint",
    "pairs": "pairs",
    "accuracy": "preference_accuracy",
    "95% interval": "ci95",
    "gain/1,000": "gain_per_1000",
    "its interval": "gain_ci95",
    "gap": "reward_gap",
    "KL": "kl_per_token",
}
_WHEN_NONE = "There is no round yet. Open one: pairwright round open --from MODEL"

Number = Annotated[
    int | None, typer.Argument(metavar="[N]", help="Default: the newest.", show_default=False)
]
By = Annotated[str, typer.Option(metavar="WHO", help="Who says so.")]


@shared
def open_next(
    run: Run,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="X",
            help="Model or checkpoint that it starts with. Default: what the last round ended "
            "with.",
            show_default=False,
        ),
    ] = None,
    pairs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Decided pairs to end with. Default: by number."),
    ] = None,
    focus: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What to collect. Default: by number.")
    ] = None,
    by: By = "lead",
) -> None:
    """Open the next round: batches given to it, and what is made of them, belong to it.

    Planned as 2,400 pairs of broad coverage, then 1,800 edge cases, 1,200 failure modes, 800 more.
    """
    from rounds import opening, standing

    with run.workspace() as workspace:
        opened = opening.open_next(
            workspace, start=start_from, target_pairs=pairs, focus=focus, actor=by
        )
        found = standing.of_round(workspace, opened.number)
    names = ", ".join(one.batch.name for one in found.batches)
    run.output.show(
        _as_json(found),
        f"Round {opened.number} is open: {opened.target_pairs:,} pairs, {opened.focus}, starting "
        f"from {found.start}.",
        f"It has the batch {names}." if names else "Give it a batch: pairwright round batch NAME",
    )


@shared
def list_rounds(run: Run) -> None:
    """List the rounds with where they stand."""
    from rounds import standing

    with run.workspace() as workspace:
        rows = [_row(found) for found in standing.of_all(workspace)]
    run.output.show_rows("rounds", rows, _COLUMNS, _WHEN_NONE)


@shared
def show(run: Run, number: Number = None) -> None:
    """Show where a round stands, what blocks it and what comes next."""
    from rounds import steps

    with run.workspace() as workspace:
        found = _standing(workspace, number)
    step = steps.following(found)
    command = f"pairwright {' '.join(step.command)}"
    run.output.show(
        _as_json(found),
        f"Round {found.round.number}: {found.round.focus}.",
        f"{found.decided:,} of {found.round.target_pairs:,} pairs decided; {found.waiting:,} lack "
        f"votes, {found.contested:,} wait for a lead.",
        *(f"Checkpoint {one.name} on {one.dataset_version}." for one in found.checkpoints),
        f"Next: {step.told} {step.blocked}".rstrip(),
        f"  {command}",
    )


@shared
def add_batch(
    run: Run,
    batch: Annotated[str, typer.Argument(metavar="NAME", help="A batch.")],
    by: By = "lead",
) -> None:
    """Give a batch to the open round."""
    from rounds import opening

    with run.workspace() as workspace:
        found = opening.give_batch(workspace, batch, by)
    run.output.show({"round": found, "batch": batch}, f"Batch {batch} belongs to round {found}.")


@shared
def take_next(
    run: Run,
    early: Annotated[
        bool,
        typer.Option("--early", help="Train on what is decided although votes are missing."),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings of a training, JSON or TOML."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting; wins over --config."),
    ] = None,
    yes_no_sft: YesNoSft = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until it ends.")] = False,
    by: By = "lead",
) -> None:
    """Take the next step of the open round: build and train, or measure on the audit set.

    Where people have to act, it says who and how.
    """
    from console.commands import jobs
    from console.commands.training import read_settings
    from rounds import steps

    spec = read_settings(run, config, settings or [])
    with run.workspace() as workspace:
        found = _standing(workspace, None)
        taken = steps.take(workspace, found, spec, by, early, without_sft=yes_no_sft)
        job = taken.job
        assert job is not None, "a step that ends well has queued a job"
        jobs.show_outcome(run, workspace, job, wait)


@shared
def close(run: Run, by: By = "lead") -> None:
    """End the open round; the next starts from its checkpoint."""
    from rounds import opening

    with run.workspace() as workspace:
        number, checkpoint = opening.close(workspace, by)
    ended = f" with {checkpoint}" if checkpoint else " without a checkpoint"
    run.output.show(
        {"round": number, "checkpoint": checkpoint},
        f"Round {number} has ended{ended}.",
        "Take it back with: pairwright round reopen",
    )


@shared
def reopen(run: Run, by: By = "lead") -> None:
    """Take the end of the last round back."""
    from rounds import opening

    with run.workspace() as workspace:
        number = opening.reopen(workspace, by)
    run.output.show({"round": number}, f"Round {number} is open again.")


@shared
def convergence(
    run: Run,
    least_gain: Annotated[
        float,
        typer.Option(
            min=0, max=1, metavar="P", help="Gain per 1,000 decided pairs that still pays."
        ),
    ] = 0.015,
    patience: Annotated[
        int, typer.Option(min=1, metavar="N", help="Rounds surely below it that are a plateau.")
    ] = 2,
    converged_at: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Preference accuracy to reach.")
    ] = 0.85,
    kl_threshold: Annotated[
        float, typer.Option(min=0, metavar="NATS", help="KL per token beyond which it drifted.")
    ] = 0.5,
) -> None:
    """Say whether more labels still help: gains on the audit set, and advice."""
    from rounds import convergence as courses

    rules = courses.Rules(least_gain, patience, converged_at, kl_threshold)
    with run.workspace() as workspace:
        course = courses.of_workspace(workspace, rules)
    turns = [_turn_as_json(turn) for turn in course.turns]
    result = {
        "audit": course.audit.id if course.audit else None,
        "verdict": course.verdict.value,
        "advice": course.advice,
        "unmeasured": list(course.unmeasured),
        "rounds": turns,
    }
    if not run.output.as_json and turns:
        rows = [[_cell(turn[name]) for name in _TURN.values()] for turn in turns]
        run.output.table(_TURN, rows)
    run.output.show(result, f"{course.verdict.value.capitalize()}: {course.advice}")


def _cell(value: Any) -> Any:
    """An interval to three digits, as the numbers beside it."""
    return f"{value[0]:.3g} to {value[1]:.3g}" if isinstance(value, tuple) else value


def _turn_as_json(turn: Turn) -> dict[str, Any]:
    gain = turn.gain_per_thousand
    return {
        "round": turn.number,
        "checkpoint": turn.checkpoint,
        "pairs": turn.pairs,
        "preference_accuracy": turn.value("preference_accuracy"),
        "ci95": turn.interval("preference_accuracy"),
        "gain_per_1000": gain and gain[0],
        "gain_ci95": gain and gain[1],
        "reward_gap": turn.value("reward_gap"),
        "kl_per_token": turn.value("kl_per_token"),
    }


def _standing(workspace: Workspace, number: int | None) -> RoundStanding:
    from rounds import opening, standing

    return standing.of_round(workspace, opening.number_of(workspace, number))


def _row(found: RoundStanding) -> dict[str, Any]:
    last = found.checkpoints[-1].name if found.checkpoints else ""
    return {
        **vars(found.round),
        "round": found.round.number,
        "start": found.start,
        "pairs": found.pairs,
        "decided": found.decided,
        "stage": "closed" if found.closed else (found.stage or "complete"),
        "checkpoint": last,
    }


def _as_json(found: RoundStanding) -> dict[str, Any]:
    from rounds import steps

    step = steps.following(found)
    return {
        **_row(found),
        "waiting": found.waiting,
        "contested": found.contested,
        "batches": [one.batch.name for one in found.batches],
        "versions": [one.id for one in found.versions],
        "checkpoints": [one.name for one in found.checkpoints],
        "evaluations": [
            {"checkpoint": one.checkpoint, "dataset": one.dataset_version, "metrics": one.metrics}
            for one in found.evaluations
        ],
        "next": {"told": step.told, "blocked": step.blocked, "command": " ".join(step.command)},
    }


COMMANDS = {
    "open": open_next,
    "list": list_rounds,
    "show": show,
    "batch": add_batch,
    "next": take_next,
    "convergence": convergence,
    "close": close,
    "reopen": reopen,
}
