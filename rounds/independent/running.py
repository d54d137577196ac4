"""Running a benchmark: one sampling job of greedy answers, and its result when that has ended.

The job carries the suite that it answers, so that recording needs nothing else; doing it twice
changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rounds.independent import items, scoring, suite
from rounds.independent.suite import Suite
from storage import independent_results, json_lines
from storage.errors import DamagedError, WrongInputError
from storage.independent_results import IndependentResult, ResultKind
from storage.ledger import Connection
from storage.rows import Job, JobState
from storage.workspace import Workspace
from training.jobs import submission
from training.jobs.starts import Start

THEN = "independent"
# what a job carries about the benchmark that it answers
Told = Mapping[str, Any]
MOST_TOKENS = 256


def submit(
    workspace: Workspace,
    wanted: Suite,
    *,
    checkpoint: str,
    pictures: Path,
    most: int | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> Job:
    """Queue the greedy answers of a checkpoint to a benchmark.

    Args:
        checkpoint: a checkpoint or a model.
        most: so many items, drawn by lot; the same seed draws the same.
        settings: of sampling, such as `max_new_tokens`.

    Raises:
        NotFoundError: there is no such checkpoint or folder.
        WrongInputError: no item can be run.
    """
    chosen = suite.with_pictures(wanted, pictures, most, seed)
    kept = suite.keep(workspace, chosen)
    greedy = {"max_new_tokens": MOST_TOKENS, **(settings or {}), "answers": 1, "temperature": 0.0}
    return submission.submit_sampling(
        workspace,
        start_from=checkpoint,
        prompts=suite.write_prompts(workspace, chosen.items, chosen.benchmark),
        batch="",
        settings=greedy,
        pictures_root=pictures,
        then={THEN: {"suite": kept, "benchmark": chosen.benchmark}},
    )


def due(db: Connection, found: Sequence[Job]) -> list[Job]:
    """Those of some jobs that ended well and have no result yet."""
    return [
        job
        for job in found
        if asked(job) and job.state is JobState.SUCCEEDED and result_of(db, job) is None
    ]


def record(workspace: Workspace, job: Job) -> IndependentResult:
    """The result of a job that answered a benchmark, recorded once.

    Raises:
        WrongInputError: the job answered no benchmark, or has not ended well.
        DamagedError: the suite or the answers are gone.
    """
    told = asked(job)
    if told is None or job.state is not JobState.SUCCEEDED:
        raise WrongInputError(
            f"Job {job.id} is {job.state} and has no answers to a benchmark.",
            "Run one: pairwright benchmark run",
        )
    found = suite.load(workspace, told["suite"])
    metrics, outcomes = scoring.score(found, _answers(workspace, job))
    path, digest = items.keep(workspace, outcomes)
    start = Start.of_json(job.spec["start"])
    with workspace.ledger.write() as tx:
        known = result_of(tx, job)
        return known or independent_results.add(
            tx,
            checkpoint=start.tip or start.name,
            benchmark=found.benchmark,
            kind=ResultKind.OWN,
            metrics=metrics,
            items=path,
            digest=digest,
            source=_source(job),
        )


def asked(job: Job) -> Told | None:
    """What a job carries when it answers a benchmark; None for any other."""
    told = dict(job.spec.get("then") or {}).get(THEN)
    return told if told is not None and "suite" in told else None


def result_of(db: Connection, job: Job) -> IndependentResult | None:
    """The result that came of a job."""
    return independent_results.of_source(db, _source(job))


def _source(job: Job) -> str:
    return f"job {job.id}"


def _answers(workspace: Workspace, job: Job) -> dict[str, str]:
    """Item -> its answer."""
    path = workspace.jobs_folder / job.id / "samples.jsonl"
    try:
        lines = [json_lines.parse_object(one) for one in json_lines.read(path) if one.text]
        return {str(line["id"]): str(line["answers"][0]) for line in lines}
    except (OSError, KeyError, IndexError, WrongInputError) as error:
        raise DamagedError(
            f"{path} cannot be read ({error}).", "Run the benchmark again."
        ) from error
