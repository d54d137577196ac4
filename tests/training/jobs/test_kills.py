"""kill -9 of the worker, in the middle of jobs and while it takes over what a run has made."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage import checkpoints, evaluations, events, jobs, scores, segments, workspace
from storage.rows import Job, JobState
from storage.segments import SegmentKind
from storage.workspace import Workspace
from training.jobs import local_runner, preparation
from training.jobs.folder import JobFolder
from training.runs import manifest

RUNNER = Path(__file__).with_name("model_free_runner.py")
CYCLES, STEPS = 20, 5
SCORE = {
    "pair_id": "p1",
    "split": "holdout",
    "category": "counting",
    "chosen_logp": -1.0,
    "rejected_logp": -3.0,
    "reference_chosen_logp": -2.0,
    "reference_rejected_logp": -2.5,
    "chosen_tokens": 4,
    "rejected_tokens": 5,
    "margin": 0.15,
}


def _progress(opened: Workspace, job: Job) -> int:
    """-1 before its first attempt, then the steps that were said, and one more at its end."""
    with opened.ledger.read() as db:
        if not jobs.attempts(db, job.id):
            return -1
        said = len(events.listed(db, job.id, kind="metric"))
        return said + jobs.get(db, job.id).state.is_final


def _assert_done_once(opened: Workspace, job: Job) -> int:
    """Everything that a job makes is there once; returns how many of its attempts were lost."""
    with opened.ledger.read() as db:
        done = jobs.get(db, job.id)
        tries = jobs.attempts(db, job.id)
        said = [
            (event.kind, event.payload["step"])
            for kind in ("metric", "checkpoint")
            for event in events.listed(db, job.id, kind=kind)
        ]
        [made] = [row for row in checkpoints.listed(db) if row.job_id == job.id]
        assert len(evaluations.listed(db, checkpoint=made.id)) == 1
    assert (done.state, done.error) == (JobState.SUCCEEDED, tries[-1].reason)
    assert [one.fence for one in tries] == list(range(1, len(tries) + 1))
    assert [one.outcome for one in tries] == ["lost"] * (len(tries) - 1) + ["succeeded"]
    assert done.fence == tries[-1].fence
    assert said == [(kind, n + 1) for kind in ("metric", "checkpoint") for n in range(STEPS)]
    assert done.result is not None
    assert done.result["checkpoint"] == made.id
    manifest.verify(opened.home / made.path)
    assert not [one.pid for one in tries if local_runner.is_alive(one.pid)]
    return len(tries) - 1


@pytest.mark.slow
def test_jobs_survive_kill_9_of_their_worker_and_are_done_once(
    opened: Workspace,
    submit: Callable[..., Job],
    forks: Callable[..., Any],
    until: Callable[[Callable[[], object]], None],
) -> None:
    # from just claimed to just done; in between the run waits for its end
    kills = [cycle % (STEPS + 2) for cycle in range(CYCLES)]
    queued = [submit(steps=STEPS, hold_at=far) for far in kills]
    workers = forks("worker", RUNNER)
    for far, job in zip(kills, queued, strict=True):
        pid = workers.start(str(opened.home))
        until(lambda job=job, far=far: _progress(opened, job) >= far)
        os.kill(pid, signal.SIGKILL)
        status, _ = workers.gone()
        # one that was to die just when its job was done may have ended by itself a moment before
        assert status == -signal.SIGKILL or (status == 0 and _progress(opened, job) > STEPS)
    workers.start(str(opened.home))
    assert workers.gone()[0] == 0
    lost = sum(_assert_done_once(opened, job) for job in queued)
    assert lost >= len([far for far in kills if 0 < far <= STEPS])


@pytest.mark.slow
def test_a_worker_killed_at_any_touch_while_it_takes_a_run_over_takes_it_over_once(
    opened: Workspace, submit: Callable[..., Job], forks: Callable[..., Any], tmp_path: Path
) -> None:
    job = submit(steps=STEPS)
    _run_without_a_worker(opened, job)
    workers = forks("worker", RUNNER)
    killed: list[Path] = []
    status = -signal.SIGKILL
    while status == -signal.SIGKILL:
        home = shutil.copytree(opened.home, tmp_path / f"home-{len(killed)}")
        # every second touch of a file: some more than twenty of them
        workers.start(f"{home} {2 * len(killed) + 1}")
        status, _ = workers.gone()
        killed.append(home)
    assert status == 0
    assert len(killed) > CYCLES
    for home in killed:
        workers.start(str(home))
        assert workers.gone()[0] == 0
        again = workspace.open_existing(home)
        _assert_done_once(again, job)
        with again.ledger.read() as db:
            assert len(segments.listed(db, SegmentKind.SCORES)) == 1
        rows = scores.of_job(again, job.id)
        assert rows is not None
        assert len(rows) == 1
        again.close()


def _run_without_a_worker(opened: Workspace, job: Job) -> None:
    """What a worker leaves that died when its runner had just ended."""
    with opened.ledger.write() as tx:
        claimed = jobs.claim(tx, worker="gone", lease_seconds=0.001)
    assert claimed is not None
    assert claimed.id == job.id
    folder = JobFolder(opened.jobs_folder / job.id)
    preparation.make_ready(opened, claimed, folder)
    command = [sys.executable, str(RUNNER), str(folder.path)]
    subprocess.run(command, check=True, env=local_runner.environment(os.environ))
    folder.scores_file.write_text(json.dumps(SCORE) + "\n", encoding="utf-8")
