"""pairwright mine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from rounds.mining.requests import MiningRequest
    from storage.rows import Job
    from storage.workspace import Workspace


Batch = Annotated[str, typer.Option(metavar="NAME", help="Batch that is made of the choice.")]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="X",
        help="Model or checkpoint that says how sure it is. Default: the round's checkpoint.",
    ),
]
Reference = Annotated[
    str | None,
    typer.Option(
        metavar="X",
        help="What its implicit reward is measured against. Default: the start of the round.",
    ),
]
Prompts = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Prompts without answers: each gets two first, by the checkpoint."
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Batch to choose from. Default: all unlabeled pairs."),
]
Size = Annotated[int, typer.Option(min=1, metavar="N", help="Pairs to choose.")]
Strategy = Annotated[
    Literal["margin", "entropy", "disagreement", "diverse", "large_gap", "failures", "random"],
    typer.Option(
        metavar="margin|entropy|disagreement|diverse|large_gap|failures|random",
        help="What comes first: closest to 50/50, least predictable, most disputed among "
        "models of the labels, unsure and unlike the others, largest difference, most like the "
        "clusters of `failures`, or by lot.",
    ),
]
Threshold = Annotated[
    float, typer.Option(min=0.5, max=1, metavar="P", help="Only pairs the model is less sure of.")
]
RandomShare = Annotated[
    float, typer.Option(min=0.05, max=1, metavar="P", help="Part drawn by lot, to measure by.")
]
Floor = Annotated[int, typer.Option(min=0, metavar="N", help="Fewest pairs of every category.")]
Overlap = Annotated[int, typer.Option(min=1, metavar="N", help="Votes on every pair.")]
Most = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Score at most so many, drawn by lot.")
]
Seed = Annotated[int, typer.Option(metavar="N", help="Draws the random part.")]
Sampling = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Setting of the answers to --prompts."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Show progress until it ends.")]


@shared
def mine(
    run: Run,
    batch: Batch,
    checkpoint: Checkpoint = None,
    reference: Reference = None,
    prompts: Prompts = None,
    pool: Pool = None,
    size: Size = 200,
    strategy: Strategy = "margin",
    confidence_threshold: Threshold = 0.6,
    random_share: RandomShare = 0.2,
    floor: Floor = 0,
    overlap: Overlap = 1,
    most: Most = None,
    seed: Seed = 0,
    settings: Sampling = None,
    wait: Wait = False,
) -> None:
    """Choose what to label next: the pairs the model is unsure about, and some by lot.

    Balanced over the categories, weighted by their distance to `round targets`; never of the audit
    set. Why each pair was chosen is for leads only.
    """
    from rounds.mining import requests
    from rounds.mining.requests import MiningRequest
    from training.settings import keys

    with run.workspace() as workspace:
        known, against = _default_models(workspace, checkpoint, reference)
        request = MiningRequest(
            batch=batch,
            checkpoint=known,
            reference=against,
            size=size,
            strategy=strategy,
            confidence_threshold=confidence_threshold,
            random_share=random_share,
            floor=floor,
            seed=seed,
            pool=pool,
            overlap=overlap,
            most=most,
        )
        sampling = keys.parse_overrides(settings or [])
        job = requests.submit(workspace, request, prompts=prompts, sampling=sampling)
        if wait:
            _follow(run, workspace, job, request)
            return
        _say_queued(run, job, batch)


def _say_queued(run: Run, job: Job, batch: str) -> None:
    result = {"job": job.id, "kind": job.kind, "state": job.state, "batch": batch}
    said = f"Job {job.id} is queued; batch {batch} is made when it has ended."
    run.output.show(result, said, f"Follow it: pairwright job logs {job.id} --follow")


def _follow(run: Run, workspace: Workspace, job: Job, request: MiningRequest) -> None:
    """See all steps through, and say what was chosen."""
    from console import following
    from rounds.mining import requests
    from storage import batches, jobs, picks

    while True:
        ended = following.until_final(workspace, job.id, run.output)
        # the worker goes on by itself; whoever comes first does it
        found = requests.advance(workspace, ended)
        with workspace.ledger.read() as db:
            made = batches.find(db, request.batch)
            following_jobs = [one for one in jobs.listed(db) if _follows(one, ended)]
        if made is not None:
            break
        assert found is not None or following_jobs, "a step that ended well has a next one"
        job = following_jobs[0]
    with workspace.ledger.read() as db:
        chosen = picks.of_batch(db, made.id)
    by_lot = sum(one.strategy == "random" for one in chosen)
    result: dict[str, Any] = {
        "job": ended.id,
        "batch": made.name,
        "pairs": len(chosen),
        "random": by_lot,
        "mined": len(chosen) - by_lot,
        "missing": request.size - len(chosen),
    }
    run.output.show(
        result,
        f"Batch {made.name}: {len(chosen)} pairs, {by_lot} of them by lot.",
        *([f"{result['missing']} fewer than asked for."] if result["missing"] else []),
        f"Hand out a link: pairwright link create --batch {made.name} --annotator WHO",
    )


def _follows(job: Job, before: Job) -> bool:
    """Whether a scoring job goes on from a sampling job."""
    asked = dict(before.spec.get("then") or {}).get("mining")
    return (
        job.id != before.id
        and job.kind == "score"
        and dict(job.spec.get("then") or {}).get("mining") == asked
    )


def _default_models(
    workspace: Workspace, checkpoint: str | None, reference: str | None
) -> tuple[str, str]:
    """What was named, else the newest round's last checkpoint and its start."""
    from rounds import opening, standing

    if checkpoint is not None and reference is not None:
        return checkpoint, reference
    found = standing.of_round(workspace, opening.number_of(workspace, None))
    if checkpoint is None and not found.checkpoints:
        raise typer.BadParameter(
            f"round {found.round.number} has no checkpoint yet: name one with --from"
        )
    return checkpoint or found.checkpoints[-1].name, reference or found.start
