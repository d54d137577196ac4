"""Workers and their runners: success, failure, kills, cancels, restarts and lost leases."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from storage import checkpoints, clock, evaluations, events, jobs, tables, workers
from storage.rows import Attempt, Checkpoint, Job, JobState
from storage.workspace import Workspace
from tests.training.jobs.conftest import PACE, RUNNER
from training.jobs import local_runner, preparation
from training.jobs.folder import JobFolder
from training.runs import manifest

Until = Callable[[Callable[[], object]], None]
StateOf = Callable[[Job], JobState]
# a run that is over when a test says so, however slow the machine
ENDLESS: dict[str, Any] = {"steps": 100_000, "pause": 0.05, "until": "enough"}


def _attempts(opened: Workspace, job: Job) -> list[Attempt]:
    with opened.ledger.read() as db:
        return jobs.attempts(db, job.id)


def _job(opened: Workspace, job: Job) -> Job:
    with opened.ledger.read() as db:
        return jobs.get(db, job.id)


def _steps(opened: Workspace, job: Job) -> list[int]:
    with opened.ledger.read() as db:
        return [event.payload["step"] for event in events.listed(db, job.id, kind="metric")]


def _notes(opened: Workspace, job: Job) -> list[str]:
    with opened.ledger.read() as db:
        return [event.payload["text"] for event in events.listed(db, job.id, kind="note")]


def _only_checkpoint(opened: Workspace) -> Checkpoint:
    with opened.ledger.read() as db:
        (found,) = checkpoints.listed(db)
    return found


def _runner_pid(opened: Workspace, job: Job) -> int:
    found = _attempts(opened, job)
    return found[-1].pid if found else 0


def _let_end(opened: Workspace, job: Job) -> None:
    (opened.jobs_folder / job.id / str(ENDLESS["until"])).touch()


def test_a_training_becomes_a_checkpoint_with_lineage_config_and_metrics(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit(model_name="careful", steps=4)
    assert work() == 1
    done, found = _job(opened, job), _only_checkpoint(opened)
    assert done.state is JobState.SUCCEEDED
    assert done.result == {
        "checkpoint": found.id,
        "name": "careful",
        "metrics": {"reward_gap": {"value": 0.5}},
    }
    assert (found.name, found.parent, found.kind) == ("careful", None, "adapter")
    assert found.dataset_version == "v1"
    assert found.config == job.spec["settings"]
    files = manifest.verify(opened.home / found.path).files
    assert set(files) == {"adapter_model.safetensors"}
    with opened.ledger.read() as db:
        (measured,) = evaluations.listed(db, checkpoint=found.id)
        assert workers.listed(db) == []
    assert (measured.split, measured.metrics) == ("holdout", found.metrics)
    assert _steps(opened, job) == [1, 2, 3, 4]


def test_a_second_training_continues_the_line_and_names_stay_unique(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    submit(model_name="careful")
    work()
    submit(start_from="careful", model_name="careful")
    work()
    with opened.ledger.read() as db:
        second, first = checkpoints.listed(db)
        assert [row.id for row in checkpoints.lineage(db, second.id)] == [first.id, second.id]
    assert second.name == "careful-2"
    spec = JobFolder(opened.jobs_folder / second.job_id).read_spec()
    assert spec.adapters == (str(opened.home / first.path),)
    assert spec.reference_adapters == ()


def test_the_runner_sees_neither_the_ledger_nor_our_environment(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit()
    secret = {"PAIRWRIGHT_HOME": str(opened.home), "PGPASSWORD": "hidden"}
    os.environ.update(secret)
    try:
        work()
    finally:
        for name in secret:
            del os.environ[name]
    folder = JobFolder(opened.jobs_folder / job.id)
    assert "sees []" in folder.log_tail()
    assert "ledger" not in folder.spec_file.read_text("utf-8")


def test_a_failure_with_a_reason_is_final_and_says_what_to_do(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit(fail=True)
    assert work() == 1
    ended = _job(opened, job)
    assert (ended.state, ended.attempt) == (JobState.FAILED, 1)
    assert ended.error == "The picture p7 cannot be read. Import it again."


def test_a_start_that_is_gone_fails_the_job_with_a_reason(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit()
    with opened.ledger.write() as tx:
        lost = {**job.spec, "start": {"name": "x", "model": "m", "checkpoints": ["c404"]}}
        broken = jobs.submit(tx, kind="train", spec=lost, key="lost")
    work()
    ended = _job(opened, broken)
    assert ended.state is JobState.FAILED
    assert "c404" in ended.error
    assert _job(opened, job).state is JobState.SUCCEEDED


def test_a_runner_killed_with_9_resumes_from_the_newest_whole_checkpoint(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit(steps=5, kill_at=3)
    assert work() == 2
    assert _job(opened, job).state is JobState.SUCCEEDED
    first, second = _attempts(opened, job)
    assert (first.outcome, second.outcome) == ("lost", "succeeded")
    assert "signal 9, SIGKILL" in first.reason
    assert _notes(opened, job) == [
        "attempt 1 goes on from step 0",
        "attempt 2 goes on from step 3",
    ]
    assert _steps(opened, job) == [1, 2, 3, 4, 5]
    assert (opened.jobs_folder / job.id / "checkpoints" / "torn" / "step-4-1").is_dir()


def test_a_runner_killed_every_time_fails_with_the_tail_of_its_log(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit(die=True)
    assert work() == 3
    ended = _job(opened, job)
    assert ended.state is JobState.FAILED
    assert ended.error.startswith("Given up after 3 attempts. The runner was ended by signal 9")
    assert "attempt 3 as" in ended.error


def test_a_runner_that_cannot_even_start_is_tried_again_and_then_fails(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit()
    assert work(command=(sys.executable, "-c", "raise SystemExit('no such thing')")) == 3
    ended = _job(opened, job)
    assert ended.state is JobState.FAILED
    assert "exit status 1 and no result" in ended.error
    assert "no such thing" in ended.error


def test_a_cancelled_training_stops_at_a_safe_point(
    opened: Workspace,
    submit: Callable[..., Job],
    background: Callable[..., threading.Event],
    until: Until,
    state_of: StateOf,
) -> None:
    job = submit(steps=10_000, pause=0.02)
    background()
    until(lambda: _steps(opened, job))
    with opened.ledger.write() as tx:
        assert jobs.request_cancel(tx, job.id).state is JobState.CANCELLING
    until(lambda: state_of(job).is_final)
    assert state_of(job) is JobState.CANCELLED
    result = JobFolder(opened.jobs_folder / job.id).result()
    assert result is not None
    assert result.state == "stopped"
    assert not local_runner.is_alive(_runner_pid(opened, job))


def test_a_runner_that_does_not_listen_is_killed_with_all_it_started(
    opened: Workspace,
    submit: Callable[..., Job],
    background: Callable[..., threading.Event],
    until: Until,
    state_of: StateOf,
) -> None:
    job = submit(steps=10_000, pause=0.02, deaf=True, child=True)
    background(pace=replace(PACE, grace=1))
    until(lambda: _steps(opened, job))
    group = _runner_pid(opened, job)
    with opened.ledger.write() as tx:
        jobs.request_cancel(tx, job.id)
    until(lambda: state_of(job).is_final)
    assert state_of(job) is JobState.CANCELLED
    until(lambda: not _living_in_group(group))


def _living_in_group(group: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[2]) == group:
            found.append(int(status.parent.name))
    return found


def test_a_stopped_worker_gives_its_job_back_without_using_up_an_attempt(
    opened: Workspace,
    submit: Callable[..., Job],
    background: Callable[..., threading.Event],
    until: Until,
    state_of: StateOf,
) -> None:
    job = submit(**ENDLESS)
    stop = background()
    until(lambda: _steps(opened, job))
    stop.set()
    until(lambda: state_of(job) is JobState.QUEUED)
    waiting = _job(opened, job)
    assert (waiting.attempt, waiting.max_attempts) == (1, 4)
    before = len(_steps(opened, job))
    background()
    until(lambda: len(_steps(opened, job)) > before)
    _let_end(opened, job)
    until(lambda: state_of(job).is_final)
    assert state_of(job) is JobState.SUCCEEDED
    said = _steps(opened, job)
    assert said == list(range(1, len(said) + 1))


def test_a_worker_killed_in_mid_job_takes_its_runner_along_and_the_next_goes_on_at_once(
    opened: Workspace,
    submit: Callable[..., Job],
    process: Callable[..., subprocess.Popen[bytes]],
    until: Until,
    state_of: StateOf,
) -> None:
    job = submit(**ENDLESS)
    first = process()
    until(lambda: _steps(opened, job))
    runner = _runner_pid(opened, job)
    first.send_signal(signal.SIGKILL)
    first.wait()
    until(lambda: not local_runner.is_alive(runner))
    assert state_of(job) is JobState.RUNNING
    before = len(_steps(opened, job))
    second = process("--once")
    until(lambda: len(_steps(opened, job)) > before)
    _let_end(opened, job)
    second.wait()
    assert state_of(job) is JobState.SUCCEEDED
    one, two = _attempts(opened, job)
    assert one.reason == f"The worker (process {first.pid}) died."
    assert (two.number, two.outcome) == (2, "succeeded")
    said = set(_steps(opened, job))
    assert said == set(range(1, len(said) + 1))


def test_a_worker_asked_to_end_stops_its_runner_and_signs_off(
    opened: Workspace,
    submit: Callable[..., Job],
    process: Callable[..., subprocess.Popen[bytes]],
    until: Until,
    state_of: StateOf,
) -> None:
    job = submit(steps=10_000, pause=0.05)
    running = process()
    until(lambda: _steps(opened, job))
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=240) == 0
    assert state_of(job) is JobState.QUEUED
    with opened.ledger.read() as db:
        assert workers.listed(db) == []


def test_a_worker_whose_job_was_taken_kills_its_runner_and_writes_nothing_more(
    opened: Workspace,
    submit: Callable[..., Job],
    background: Callable[..., threading.Event],
    until: Until,
) -> None:
    job = submit(steps=10_000, pause=0.02)
    background()
    until(lambda: _steps(opened, job))
    runner = _runner_pid(opened, job)
    with opened.ledger.write() as tx:
        # what a long sleep of the machine looks like: the lease is over before it is renewed
        over = clock.now(tx) - 1
        tx.execute(tables.jobs.update().where(tables.jobs.c.id == job.id).values(lease_until=over))
        taken = jobs.claim(tx, worker="another")
    assert taken is not None
    assert taken.fence == 2
    before = len(_steps(opened, job))
    until(lambda: not local_runner.is_alive(runner))
    held = _job(opened, job)
    assert (held.lease_owner, held.fence, held.attempt) == ("another", 2, 2)
    assert len(_steps(opened, job)) == before
    with opened.ledger.read() as db:
        assert checkpoints.listed(db) == []


def test_a_worker_that_cannot_reach_the_ledger_kills_its_runner_before_the_lease_ends(
    opened: Workspace,
    submit: Callable[..., Job],
    background: Callable[..., threading.Event],
    until: Until,
    state_of: StateOf,
) -> None:
    job = submit(**ENDLESS)
    background(pace=replace(PACE, unreachable=2, grace=1))
    until(lambda: _steps(opened, job))
    runner = _runner_pid(opened, job)
    with opened.ledger.write():
        # nobody else can write while this is held, however long
        until(lambda: not local_runner.is_alive(runner))
    _let_end(opened, job)
    until(lambda: state_of(job).is_final)
    first, second = _attempts(opened, job)
    assert (first.outcome, second.outcome) == ("lost", "succeeded")
    assert first.reason == "The ledger was out of reach."


def test_a_result_that_the_last_worker_could_not_record_is_taken_over_without_a_new_run(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit(steps=3)
    _run_without_a_worker(opened)
    work(command=("must-not-be-started",))
    assert _job(opened, job).state is JobState.SUCCEEDED
    assert _steps(opened, job) == [1, 2, 3]
    assert _only_checkpoint(opened).job_id == job.id


def _run_without_a_worker(opened: Workspace) -> JobFolder:
    """What a worker leaves that died when its runner had just ended."""
    with opened.ledger.write() as tx:
        claimed = jobs.claim(tx, worker="gone", lease_seconds=0.001)
    assert claimed is not None
    folder = JobFolder(opened.jobs_folder / claimed.id)
    preparation.make_ready(opened, claimed, folder)
    command = [*RUNNER, str(folder.path)]
    subprocess.run(command, check=True, env=local_runner.environment(os.environ))
    return folder


def test_a_checkpoint_damaged_after_the_run_is_made_again_from_the_one_before(
    opened: Workspace, submit: Callable[..., Job], work: Callable[..., int]
) -> None:
    job = submit(steps=3)
    folder = _run_without_a_worker(opened)
    (folder.checkpoints / "step-3" / "adapter_model.safetensors").write_bytes(b"bad")
    work()
    assert _job(opened, job).state is JobState.SUCCEEDED
    manifest.verify(opened.home / _only_checkpoint(opened).path)
    assert [attempt.outcome for attempt in _attempts(opened, job)] == ["lost", "lost", "succeeded"]
    assert "attempt 3 goes on from step 2" in _notes(opened, job)


def test_two_workers_share_a_queue_and_do_every_job_once(
    opened: Workspace,
    submit: Callable[..., Job],
    background: Callable[..., threading.Event],
    until: Until,
    state_of: StateOf,
) -> None:
    queued = [submit(steps=2) for _ in range(4)]
    background()
    background()
    until(lambda: all(state_of(job).is_final for job in queued))
    assert {state_of(job) for job in queued} == {JobState.SUCCEEDED}
    assert [len(_attempts(opened, job)) for job in queued] == [1, 1, 1, 1]
