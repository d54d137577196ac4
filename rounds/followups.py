"""What the loop does by itself after a job: the next step of mining, benchmarks, triggers, alerts.

Looked at from what there is, not from what just happened: a worker that dies in between leaves
nothing undone, and doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rounds import convergence, plan, standing, triggers
from rounds.convergence import Verdict
from rounds.failures import aims
from rounds.independent import guarding, red_team
from rounds.independent import running as benchmarks
from rounds.mining import requests, strategies
from rounds.mining.requests import MiningRequest
from rounds.standing import RoundStanding, Stage
from storage import checkpoints, jobs, picks, round_log
from storage.errors import PairwrightError
from storage.round_log import RoundEventKind
from storage.rows import Batch, Job, JobState
from storage.workspace import Workspace
from training.settings import spec as specs

ACTOR = "convergence"
# what a lead should hear of at once
ALERTING = (Verdict.PLATEAU, Verdict.CONVERGED, Verdict.WORSE, Verdict.DRIFTING)
# jobs older than these were looked at when they ended
_NEWEST = 50


def run(workspace: Workspace) -> list[str]:
    """Do what is due; sentences that say what was done, or why it could not be."""
    with workspace.ledger.read() as db:
        newest = jobs.listed(db, limit=_NEWEST)
    return [
        *_mining_steps(workspace, newest),
        *_benchmarks(workspace, newest),
        *_of_round(workspace),
    ]


def _mining_steps(workspace: Workspace, newest: Sequence[Job]) -> Iterator[str]:
    found = [job for job in newest if requests.of_job(job)]
    for job in reversed(found):
        if job.state is not JobState.SUCCEEDED or _went_on(job, found):
            continue
        try:
            made = requests.advance(workspace, job)
        except PairwrightError as error:
            yield f"Mining by job {job.id} goes no further: {error.what}"
            continue
        if isinstance(made, Batch):
            yield f"Mining made batch {made.name}."
        elif made is not None:
            yield f"Mining goes on with job {made.id}."


def _benchmarks(workspace: Workspace, newest: Sequence[Job]) -> Iterator[str]:
    with workspace.ledger.read() as db:
        due = benchmarks.due(db, newest)
    for job in newest:
        if count := red_team.shield(workspace, job):
            yield f"{count} pairs of the red team of job {job.id} are kept from training."
    for job in reversed(due):
        try:
            made = benchmarks.record(workspace, job)
        except PairwrightError as error:
            yield f"The benchmark of job {job.id} has no result: {error.what}"
            continue
        yield f"{made.benchmark} is measured: result {made.number} of job {job.id}."
    try:
        for queued in guarding.queue_starts(workspace, newest):
            start = queued.spec["start"]["name"]
            yield f"{start} answers the same as job {queued.id}, so that a drop would show."
    except PairwrightError as error:
        yield f"The start of a round is not measured for comparison: {error.what}"


def _went_on(job: Job, found: list[Job]) -> bool:
    """Whether a sampling job has its scoring job already."""
    asked = requests.of_job(job)
    return job.kind == requests.SAMPLE and any(
        one.kind == requests.SCORE and requests.of_job(one) == asked for one in found
    )


def _of_round(workspace: Workspace) -> Iterator[str]:
    rounds = standing.of_all(workspace)
    running = rounds[-1] if rounds else None
    if running is None or running.closed or not running.evaluations:
        return
    yield from _alert(workspace, rounds)
    for done in triggers.act(workspace, running.evaluations[-1]):
        made = f"made batch {done.subject}" if done.subject else "proposes to collect more of it"
        ready = dict(done.detail).get("links") or 0
        links = f" {ready} links to it are prepared: pairwright link reveal." if ready else ""
        yield f"Category {done.category} misses its target: the loop {made}.{links}"
    if running.stage is Stage.MINE and not running.working:
        yield from _mine(workspace, running)


def _alert(workspace: Workspace, rounds: Sequence[RoundStanding]) -> Iterator[str]:
    """What convergence says of the last checkpoint, once, where somebody should look."""
    running = rounds[-1]
    course = convergence.of_rounds(workspace, rounds)
    if course.verdict not in ALERTING or course.turns[-1].number != running.round.number:
        return
    subject = f"{course.verdict.value} {course.turns[-1].checkpoint}"
    kind = RoundEventKind.ALERT
    if any(one.kind is kind and one.subject == subject for one in running.events):
        return
    detail = {"verdict": course.verdict.value, "advice": course.advice}
    with workspace.ledger.write() as tx:
        round_log.record(
            tx, running.round.number, kind, subject=subject, actor=ACTOR, detail=detail
        )
    yield f"Round {running.round.number}: {course.advice}"


def _mine(workspace: Workspace, running: RoundStanding) -> Iterator[str]:
    """The mining of a round that was measured, once, where its training asks for it."""
    last = running.checkpoints[-1]
    with workspace.ledger.read() as db:
        settings = specs.parse_spec(checkpoints.get(db, last.id).config).edge_case_mining
        waiting = len(picks.unlabeled(db)) if settings.enabled else 0
        asked = [requests.of_job(job) for job in jobs.listed(db, limit=_NEWEST)]
    name = f"mined-{running.round.number + 1}"
    if not waiting or any(one is not None and one.batch == name for one in asked):
        return
    strategy, note = strategy_of(workspace, running.round.number + 1)
    request = MiningRequest(
        batch=name,
        checkpoint=last.id,
        reference=running.round.start,
        size=min(settings.max_samples, waiting),
        confidence_threshold=settings.confidence_threshold,
        strategy=strategy,
        note=note,
    )
    try:
        job = requests.submit(workspace, request, key=f"round {running.round.number} {last.id}")
    except PairwrightError as error:
        yield f"Round {running.round.number} cannot be mined: {error.what}"
        return
    told = f" {note}" if note else ""
    yield f"Round {running.round.number} is measured: mining begins with job {job.id}.{told}"


def strategy_of(workspace: Workspace, number: int) -> tuple[str, str]:
    """How the pairs of a round are chosen by its plan, and why, in a sentence; empty by default."""
    planned = plan.preset(number)
    if not planned.at_failures:
        return strategies.MARGIN, ""
    found = aims.of_workspace(workspace)
    if not found:
        return strategies.MARGIN, (
            f"Round {number} is planned for {planned.focus}, but {aims.NONE_YET}: its pairs are "
            "those the model is unsure about."
        )
    named = "; ".join(f"{one.name} ({one.weight:.0%})" for one in found)
    return strategies.FAILURES, f"Round {number} is for {planned.focus}, by weight: {named}."
