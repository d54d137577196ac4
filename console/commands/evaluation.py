"""pairwright evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from console.exit_codes import ExitCode
from console.options import Run, shared

if TYPE_CHECKING:
    from storage.rows import Job
    from storage.workspace import Workspace
    from training.measuring.targets import Judged

Target = Annotated[
    float | None,
    typer.Option(
        metavar="P",
        help="Preference accuracy to exceed, such as 0.65. Default: the checkpoint's own "
        "target_accuracy.",
        show_default=False,
    ),
]
BlankPictures = Annotated[
    bool,
    typer.Option(
        "--blank-pictures",
        help="Measure once more with every picture blanked: are the preferences about language "
        "only?",
    ),
]
Answers = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        max=10_000,
        help="Let the checkpoint and its reference answer N prompts: length, refusals, format, "
        "BLEU, F1, IoU of boxes and embeddings against the chosen answer.",
    ),
]


@shared
def evaluate(
    run: Run,
    checkpoint: Annotated[str, typer.Option(metavar="C", help="Checkpoint, or model, to measure.")],
    dataset: Annotated[str, typer.Option(metavar="V", help="Dataset version to measure on.")],
    split: Annotated[
        Literal["holdout", "train", "all"],
        typer.Option(metavar="holdout|train|all", help="Which rows of it."),
    ] = "holdout",
    target: Target = None,
    blank_pictures: BlankPictures = False,
    answers: Answers = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Undecided counts as not met.")] = False,
) -> None:
    """Measure a checkpoint on a dataset version.

    Waits for the figures. With a target it is met when the whole 95% interval of the preference
    accuracy lies above it, not met (exit code 3) when it lies below, else undecided.
    """
    from console.commands import datasets, jobs
    from training.jobs import submission
    from training.measuring import targets

    if target is not None:
        targets.check(target)
    judged: list[Judged] = []

    def judge(job: Job) -> tuple[dict[str, Any], str]:
        told, said = _agreement(workspace, job)
        wanted = target if target is not None else job.spec["settings"].get("target_accuracy")
        if wanted is None:
            return told, said
        judged.append(targets.judge(dict(job.result or {}).get("metrics", {}), wanted))
        return told | {"target": judged[0].as_json()}, f"{said} {judged[0].why}".strip()

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            datasets.get(db, dataset)
        job = submission.submit_evaluation(
            workspace,
            checkpoint=checkpoint,
            dataset=dataset,
            split=split,
            blank_pictures=blank_pictures,
            answers=answers,
        )
        jobs.show_outcome(run, workspace, job, wait=True, judge=judge)
    missed = {targets.Verdict.NOT_MET} | ({targets.Verdict.UNDECIDED} if strict else set())
    if any(one.verdict in missed for one in judged):
        raise typer.Exit(ExitCode.GATE)


def _agreement(workspace: Workspace, job: Job) -> tuple[dict[str, Any], str]:
    """How far annotators agree on the pairs that were measured, in JSON and as a sentence."""
    from console.views import ceiling
    from storage import scores

    measured = scores.of_job(workspace, job.id)
    if measured is None:
        return {}, ""
    agreed = ceiling.agreement(workspace, measured["pair_id"].to_list())
    return {"annotators_agreement": ceiling.as_json(agreed)}, ceiling.sentence(agreed)
