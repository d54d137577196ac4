"""The worker: claims jobs from the ledger, one at a time, and sees each through.

`python -m training.jobs.worker --home DIR [--once] [--poll SECONDS] [--stall-minutes N]`. Any
number of workers may serve one workspace. One that dies loses nothing: its runner dies with it, and
the next worker goes on from the newest whole checkpoint. Pushes to the Hub are attended beside
other jobs.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from storage import jobs, workers, workspace
from storage.errors import PairwrightError, StaleFenceError
from storage.rows import Job
from storage.workspace import Workspace
from training.hub import steps
from training.hub import submission as pushes
from training.jobs import keeping, local_runner
from training.jobs.attempt import Attempt
from training.jobs.beside import Beside
from training.jobs.lease import Identity, Pace
from training.tracking import attending

# what is done with a workspace after a job
After = Callable[[Workspace], None]

# seconds after the start: what matters first is the queue
FIRST_SEALING = 5.0


def run(
    opened: Workspace,
    *,
    stop: threading.Event,
    once: bool = False,
    pace: Pace | None = None,
    command: Sequence[str] = local_runner.COMMAND,
    after: After | None = None,
) -> int:
    """Serve the queue until `stop`, or with `once` until it is empty. Returns the jobs attended.

    `command` is the runner: any program that takes a job folder as its last argument and keeps the
    contract of `training.jobs.folder`. `after` is called before the first job and after each: what
    it does must be harmless when it is done twice. Call it from the thread that lives as long as
    the runner should: Linux ends a runner with the thread that started it.
    """
    pace = pace or Pace()
    me = Identity(uuid.uuid4().hex, os.getpid(), _machine())
    attended, beat_at = 0, time.monotonic()
    _register(opened, me)
    _make_up(opened)
    _go_on(opened, after)
    try:
        while not stop.is_set():
            due = time.monotonic() - beat_at >= pace.renew
            beat_at = time.monotonic() if due else beat_at
            job = _claim(opened, me, pace, beat=due)
            if job is not None:
                attended += 1 + _attend_with_pushes(opened, job, me, pace, command, stop)
                _go_on(opened, after)
            elif once:
                break
            else:
                stop.wait(pace.idle)
    finally:
        _sign_off(opened, me)
    return attended


def release_abandoned(opened: Workspace, host: str) -> int:
    """Give back what dead workers of this machine hold, without waiting for their leases.

    Returns the number of jobs given back.
    """
    with opened.ledger.write() as tx:
        dead = {
            worker.id: worker
            for worker in workers.listed(tx)
            if worker.host == host and not local_runner.is_alive(worker.pid)
        }
        held = [job for job in jobs.held(tx) if job.lease_owner in dead]
        for job in held:
            worker = dead[job.lease_owner or ""]
            jobs.release(tx, job.id, job.fence, f"The worker (process {worker.pid}) died.")
        for name in dead:
            workers.remove(tx, name)
    return len(held)


def main(arguments: Sequence[str] | None = None, after: After | None = None) -> int:
    """Run a worker until SIGTERM or SIGINT; 1 when the workspace cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m training.jobs.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the workspace folder")
    parser.add_argument("--once", action="store_true", help="return when the queue is empty")
    parser.add_argument(
        "--poll", type=float, default=Pace.idle, help="seconds between looks at an empty queue"
    )
    parser.add_argument(
        "--stall-minutes",
        type=float,
        default=Pace.stall / 60,
        help="a run without a sign of life for this long is killed and tried again",
    )
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        opened = workspace.open_existing(options.home)
    except PairwrightError as error:
        print(error, file=sys.stderr)
        return 1
    # beside the jobs, which can take hours
    beside = [
        threading.Thread(target=_seal, args=(opened, stop), name="sealing"),
        threading.Thread(target=attending.keep, args=(opened, stop), name="tracking"),
    ]
    for thread in beside:
        thread.start()
    try:
        run(
            opened,
            stop=stop,
            once=options.once,
            pace=Pace(idle=options.poll, stall=60 * options.stall_minutes),
            after=after,
        )
    finally:
        stop.set()
        for thread in beside:
            thread.join()
        opened.close()
    return 0


def _seal(opened: Workspace, stop: threading.Event) -> None:
    if not stop.wait(FIRST_SEALING):
        # brings in Polars and PyArrow, which a short life does not need
        from storage import sealing

        sealing.keep(opened, stop)


def _attend_with_pushes(
    opened: Workspace,
    job: Job,
    me: Identity,
    pace: Pace,
    command: Sequence[str],
    stop: threading.Event,
) -> int:
    """See a job through, and pushes beside it; returns how many those were."""

    def push() -> bool:
        waiting = None if stop.is_set() else _claim_push(opened, me, pace)
        if waiting is not None:
            _attend(opened, waiting, me, pace, command, stop)
        return waiting is not None

    if job.kind == pushes.KIND:
        _attend(opened, job, me, pace, command, stop)
        return 0
    with Beside(push, pace.idle) as beside:
        _attend(opened, job, me, pace, command, stop)
    return beside.attended


def _attend(
    opened: Workspace,
    job: Job,
    me: Identity,
    pace: Pace,
    command: Sequence[str],
    stop: threading.Event,
) -> None:
    """One attempt. Nothing that goes wrong in it ends the worker."""
    print(f"job {job.id}: {job.kind}, attempt {job.attempt}", flush=True)
    try:
        Attempt(opened, job, me, pace, command).run(stop)
        with opened.ledger.read() as db:
            print(f"job {job.id}: {jobs.get(db, job.id).state.value}", flush=True)
    except Exception as error:
        traceback.print_exc()
        _give_up(opened, job, f"The worker stumbled: {type(error).__name__}: {error}")
    if job.kind == pushes.KIND:
        _let_go(opened)


def _go_on(opened: Workspace, after: After | None) -> None:
    """What follows from finished work. Nothing that goes wrong in it ends the worker."""
    if after is None:
        return
    try:
        after(opened)
    except Exception:
        traceback.print_exc()


def _give_up(opened: Workspace, job: Job, reason: str) -> None:
    try:
        with opened.ledger.write() as tx:
            jobs.release(tx, job.id, job.fence, reason)
    except (StaleFenceError, PairwrightError) as error:
        print(f"job {job.id}: {error.what}; its lease will run out", flush=True)


def _register(opened: Workspace, me: Identity) -> None:
    """Make this worker known, and free what its dead neighbours held."""
    released = release_abandoned(opened, me.host)
    with opened.ledger.write() as tx:
        workers.beat(tx, me.id, me.pid, me.host)
    if released:
        print(f"gave back {released} jobs of dead workers", flush=True)


def _make_up(opened: Workspace) -> None:
    """Keep what earlier jobs left behind for analytics and nobody has kept."""
    _let_go(opened)
    try:
        kept = keeping.make_up(opened)
    except PairwrightError as error:
        print(f"scores and answers of earlier jobs wait: {error.what}", flush=True)
        return
    if kept:
        print(f"kept the scores or answers of {kept} earlier jobs", flush=True)


def _claim(opened: Workspace, me: Identity, pace: Pace, *, beat: bool) -> Job | None:
    try:
        with opened.ledger.write() as tx:
            if beat:
                workers.beat(tx, me.id, me.pid, me.host)
            for job in jobs.held(tx):
                # left over from a time when the ledger was out of reach; nobody works on it
                if job.lease_owner == me.id:
                    jobs.release(tx, job.id, job.fence, "The ledger was out of reach.")
            return jobs.claim(tx, worker=me.id, lease_seconds=pace.lease)
    except PairwrightError as error:
        print(f"the queue cannot be read: {error}", flush=True)
        time.sleep(pace.idle)
        return None


def _claim_push(opened: Workspace, me: Identity, pace: Pace) -> Job | None:
    try:
        with opened.ledger.write() as tx:
            return jobs.claim(tx, worker=me.id, lease_seconds=pace.lease, kinds=(pushes.KIND,))
    except PairwrightError:
        # the job beside it says so already
        return None


def _let_go(opened: Workspace) -> None:
    try:
        steps.let_go(opened)
    except PairwrightError as error:
        print(f"what was held for pushes stays for now: {error.what}", flush=True)


def _sign_off(opened: Workspace, me: Identity) -> None:
    try:
        with opened.ledger.write() as tx:
            workers.remove(tx, me.id)
    except PairwrightError as error:
        print(f"signing off failed: {error}", flush=True)


def _machine() -> str:
    """This machine, and the process ids that count here: containers can share a host name."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = "pid"
    return f"{socket.gethostname()} {space}"


if __name__ == "__main__":
    sys.exit(main())
