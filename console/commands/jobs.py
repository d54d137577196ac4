"""pairwright job list, show, logs, cancel; and what every command says about the job it started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from storage.ledger import Connection
    from storage.rows import Job
    from storage.workspace import Workspace

_COLUMNS = {
    "job": "job",
    "kind": "kind",
    "state": "state",
    "attempt": "attempt",
    "progress": "doing",
    "created": "created_at",
}
_WHEN_NONE = "There is no job yet. Start one: pairwright train --dataset V --from MODEL"
_HIDDEN = ("id", "key", "fence", "lease_owner", "lease_until", "max_attempts")

JobName = Annotated[str, typer.Argument(metavar="JOB", help="Id of a job.")]


@shared
def list_jobs(
    run: Run,
    kind: Annotated[
        Literal["train", "evaluate", "sample", "judge", "publish"] | None,
        typer.Option(metavar="train|evaluate|sample|judge|publish", help="Only jobs of this kind."),
    ] = None,
) -> None:
    """List the latest jobs."""
    from storage import jobs

    with run.workspace() as workspace, workspace.ledger.read() as db:
        rows = [{**as_result(job), "doing": _doing(job)} for job in jobs.listed(db, kind=kind)]
    run.output.show_rows("jobs", rows, _COLUMNS, _WHEN_NONE)


@shared
def show(run: Run, job: JobName) -> None:
    """Show one job: state, attempts, figures."""
    from storage import jobs

    with run.workspace() as workspace, workspace.ledger.read() as db:
        found = _get(db, job)
        attempts = jobs.attempts(db, found.id)
    result = as_result(found) | {"attempts": [vars(attempt) for attempt in attempts]}
    lines = [f"Job {found.id}, {found.kind}: {found.state}. {_doing(found)}".rstrip()]
    lines += [found.error] if found.error else []
    lines += [
        f"  attempt {attempt.number}: {attempt.outcome or 'running'} {attempt.reason}".rstrip()
        for attempt in attempts
    ]
    run.output.show(result, *lines)
    _show_metrics(run, found)


@shared
def logs(
    run: Run,
    job: JobName,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job ends.")
    ] = False,
) -> None:
    """Print what the run wrote."""
    from console import following

    with run.workspace() as workspace:
        with workspace.ledger.read() as db:
            found = _get(db, job)
        log = following.log_of(workspace, found.id)
        if run.output.as_json:
            text = log.read_text("utf-8", "replace") if log.exists() else ""
            run.output.show({"job": found.id, "state": found.state, "log": text})
            return
        for text in _pieces(workspace, found.id, log, follow):
            print(text, end="", flush=True)


@shared
def cancel(run: Run, job: JobName) -> None:
    """Stop a job.

    At once when it waits, at its next safe point when it runs.
    """
    from storage import jobs

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        found = jobs.request_cancel(tx, _get(tx, job).id)
    run.output.show(as_result(found), f"Job {found.id} is {found.state}.")


COMMANDS = {"list": list_jobs, "show": show, "logs": logs, "cancel": cancel}


def show_outcome(
    run: Run,
    workspace: Workspace,
    job: Job,
    wait: bool,
    judge: Callable[[Job], tuple[dict[str, Any], str]] | None = None,
) -> None:
    """Say that a job waits in the queue; or follow it and show what came out.

    `judge` adds to the result of a job that has ended, in JSON and as a sentence.
    """
    from console import following

    if wait:
        job = following.until_final(workspace, job.id, run.output)
        more, sentence = judge(job) if judge else ({}, "")
        run.output.show(_outcome(job) | more, _ending(job), *filter(None, [sentence]))
        _show_metrics(run, job)
        return
    run.output.show(_outcome(job), f"Job {job.id} ({job.kind}) is {job.state}.")
    run.output.say(f"Follow it: pairwright job logs {job.id} --follow")
    from storage import workers

    with workspace.ledger.read() as db:
        if workers.live(db) == 0:
            run.output.say("No worker is running. Start one: pairwright up, or pairwright worker")


def as_result(job: Job) -> dict[str, Any]:
    """What --json prints about a job."""
    found = {name: value for name, value in vars(job).items() if name not in _HIDDEN}
    return {"job": job.id, **found, "spec": dict(job.spec)}


def _outcome(job: Job) -> dict[str, Any]:
    result = dict(job.result or {})
    return {
        "job": job.id,
        "kind": job.kind,
        "state": job.state,
        "checkpoint": result.pop("checkpoint", None),
        "metrics": result.pop("metrics", {}),
        **result,
    }


def _ending(job: Job) -> str:
    result = dict(job.result or {})
    said = f"Job {job.id} ({job.kind}) {job.state}."
    if result.get("checkpoint"):
        said += f" Checkpoint {result['checkpoint']}."
    if result.get("url"):
        said += f" It is at {result['url']}, tag {result['tag']}."
    if "report" in result:
        report = result["report"]
        said += (
            f" {report['added']} pairs new in batch {result['batch']}, {report['present']} already "
            f"there; {report['identical']} prompts got the same answer twice, "
            f"{report.get('alike', 0)} nearly the same."
        )
    return said


def _show_metrics(run: Run, job: Job) -> None:
    from console import measured

    metrics = dict(job.result or {}).get("metrics") or {}
    if metrics and not run.output.as_json:
        run.output.table(measured.HEADINGS, measured.rows(metrics))


def _get(db: Connection, job: str) -> Job:
    from console import names
    from storage import jobs

    names.check("job", job, (known.id for known in jobs.listed(db, limit=10_000)), _WHEN_NONE)
    return jobs.get(db, job)


def _doing(job: Job) -> str:
    progress = dict(job.progress)
    if job.state.is_final or not progress.get("phase"):
        return ""
    return f"{progress['phase']} {progress.get('step', 0)} / {progress.get('steps', '?')}"


def _pieces(workspace: Workspace, job_id: str, log: Path, follow: bool) -> Iterator[str]:
    """The log so far and, when following, what comes until the job ends."""
    from storage import jobs

    position = 0
    while True:
        with workspace.ledger.read() as db:
            ended = jobs.get(db, job_id).state.is_final
        if log.exists():
            with log.open("rb") as file:
                file.seek(position)
                data = file.read()
            position += len(data)
            yield data.decode("utf-8", errors="replace")
        if ended or not follow:
            return
        time.sleep(0.3)
