"""What the loop does by itself after a job: the next step of mining, benchmarks, triggers, alerts.

Looked at from what there is, not from what just happened: a worker that dies in between leaves
nothing undone, and doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from rounds import convergence, standing, triggers
from rounds.convergence import Verdict
from rounds.independent import red_team
from rounds.independent import running as benchmarks
from rounds.mining import requests
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
    return [*_mining_steps(workspace), *_benchmarks(workspace), *_of_round(workspace)]


def _mining_steps(workspace: Workspace) -> Iterator[str]:
    with workspace.ledger.read() as db:
        found = [job for job in jobs.listed(db, limit=_NEWEST) if requests.of_job(job)]
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


def _benchmarks(workspace: Workspace) -> Iterator[str]:
    with workspace.ledger.read() as db:
        newest = jobs.listed(db, limit=_NEWEST)
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


def _went_on(job: Job, found: list[Job]) -> bool:
    """Whether a sampling job has its scoring job already."""
    asked = requests.of_job(job)
    return job.kind == requests.SAMPLE and any(
        one.kind == requests.SCORE and requests.of_job(one) == asked for one in found
    )


def _of_round(workspace: Workspace) -> Iterator[str]:
    running = standing.current(workspace)
    if running is None or not running.evaluations:
        return
    yield from _alert(workspace, running)
    for done in triggers.act(workspace, running.evaluations[-1]):
        made = f"made batch {done.subject}" if done.subject else "proposes to collect more of it"
        yield f"Category {done.category} misses its target: the loop {made}."
    if running.stage is Stage.MINE and not running.working:
        yield from _mine(workspace, running)


def _alert(workspace: Workspace, running: RoundStanding) -> Iterator[str]:
    """What convergence says of the last checkpoint, once, where somebody should look."""
    course = convergence.of_workspace(workspace)
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
    request = MiningRequest(
        batch=name,
        checkpoint=last.id,
        reference=running.round.start,
        size=min(settings.max_samples, waiting),
        confidence_threshold=settings.confidence_threshold,
    )
    try:
        job = requests.submit(workspace, request, key=f"round {running.round.number} {last.id}")
    except PairwrightError as error:
        yield f"Round {running.round.number} cannot be mined: {error.what}"
        return
    yield f"Round {running.round.number} is measured: mining begins with job {job.id}."
