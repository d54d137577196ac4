"""pairwright round targets, check; round why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from rounds.targets import CategoryStanding

_COLUMNS = {
    "category": "category",
    "target": "target",
    "accuracy": "accuracy",
    "95% interval": "interval",
    "n": "n",
    "state": "state",
}
_PICKS = {
    "pair": "pair_id",
    "chosen by": "strategy",
    "score": "score",
    "propensity": "propensity",
    "probability of A": "probability_a",
}


@shared
def targets(
    run: Run,
    assignments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CATEGORY=P]...", help="Sets targets; CATEGORY=off takes one back."
        ),
    ] = None,
    by: Annotated[str, typer.Option(metavar="WHO", help="Who says so.")] = "lead",
) -> None:
    """Set targets of preference accuracy by category, and show where each stands.

    Measured on the audit set for the newest round's checkpoint. A target is missed when the whole
    95% interval lies below it and at least 50 pairs were measured.
    """
    from rounds import standing
    from rounds import targets as aims

    with run.workspace() as workspace:
        aims.set_all(workspace, aims.parse(assignments or []), by)
        found = standing.of_all(workspace)
        measured = found[-1].evaluations[-1] if found and found[-1].evaluations else None
        rows = [_row(one) for one in aims.of_evaluation(workspace, measured)]
    run.output.show_rows(
        "targets", rows, _COLUMNS, "No target is set: pairwright round targets counting=0.8"
    )


@shared
def check(
    run: Run,
    action: Annotated[
        Literal["queued", "proposed"],
        typer.Option(metavar="queued|proposed", help="Make the batch, or only propose it."),
    ] = "queued",
    size: Annotated[int, typer.Option(min=1, metavar="N", help="Pairs of a batch.")] = 200,
    overlap: Annotated[int, typer.Option(min=1, metavar="N", help="Votes on every pair.")] = 1,
) -> None:
    """Act on categories that surely miss their target: one batch for one cause, never twice.

    The worker does the same after every measurement on the audit set.
    """
    from rounds import opening, standing, triggers
    from rounds.triggers import TriggerSettings
    from storage.triggers import TriggerAction

    settings = TriggerSettings(action=TriggerAction(action), size=size, overlap=overlap)
    with run.workspace() as workspace:
        found = standing.of_round(workspace, opening.number_of(workspace, None))
        last = found.evaluations[-1] if found.evaluations else None
        done = triggers.act(workspace, last, settings) if last else []
    lines = [
        f"{one.category}: {one.action}{f' batch {one.subject}' if one.subject else ''}."
        for one in done
    ]
    nothing = "Nothing to do: no category surely misses its target for the first time."
    run.output.show({"triggers": [vars(one) for one in done]}, *(lines or [nothing]))


@shared
def why(
    run: Run,
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="A batch that was chosen.")],
) -> None:
    """Say why each pair of a batch was chosen. For leads: annotators never see it."""
    from console.commands.batches import check_known
    from storage import batches, picks

    with run.workspace() as workspace:
        check_known(workspace, batch)
        with workspace.ledger.read() as db:
            found = picks.of_batch(db, batches.get(db, batch).id)
    rows = [vars(one) | {"probability_a": one.detail.get("probability_a")} for one in found]
    run.output.show_rows("picks", rows, _PICKS, f"Nothing says why pairs are in batch {batch}.")


def _row(one: CategoryStanding) -> dict[str, Any]:
    found = one.accuracy
    ends = found.ci95 if found else None
    return {
        "category": one.category,
        "target": one.target,
        "accuracy": found.value if found else None,
        "ci95": ends,
        "interval": f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else None,
        "n": found.n if found else 0,
        "state": one.state,
    }


COMMANDS = {"targets": targets, "check": check, "why": why}
