"""One try at a job: the folder made ready, the runner watched, what came out recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from storage import jobs
from storage.errors import DamagedError, PairwrightError, StaleFenceError, WorkspaceError
from storage.ledger import Connection
from storage.rows import Job, JobState
from storage.workspace import Workspace
from training.jobs import ingestion, local_runner, preparation
from training.jobs.folder import JobFolder, RunResult
from training.jobs.lease import Identity, Lease, Pace
from training.jobs.local_runner import LocalRunner
from training.jobs.stall import StallWatch

_POLL_SECONDS = 0.1


class Attempt:
    """A claimed job in the hands of this worker."""

    def __init__(
        self,
        workspace: Workspace,
        job: Job,
        worker: Identity,
        pace: Pace,
        command: Sequence[str],
    ) -> None:
        self._workspace = workspace
        self._job = job
        self._pace = pace
        self._command = command
        self._folder = JobFolder(workspace.jobs_folder / job.id)
        self._runner: LocalRunner | None = None
        self._hung = ""
        self._lease = Lease(workspace.ledger, job, worker, pace, self._kill_runner)

    def run(self, stop: threading.Event) -> None:
        """See the attempt through to its end, or to `stop`; then the job waits for another try.

        A lost lease ends it without a word in the ledger: the job is somebody else's by then.
        """
        self._lease.start()
        try:
            status = self._work(stop)
            if self._lease.lost:
                raise StaleFenceError(self._lease.lost)
            self._conclude(status, stop)
        except StaleFenceError as error:
            print(
                f"job {self._job.id}: attempt {self._job.attempt} ended: {error.what}", flush=True
            )
        finally:
            self._kill_runner()
            self._lease.stop()

    def _work(self, stop: threading.Event) -> int | None:
        """Run the runner to its end. None when an earlier attempt's result is there already."""
        folder = self._folder
        with self._workspace.ledger.read() as db:
            earlier = [a.pid for a in jobs.attempts(db, self._job.id) if a.pid]
            follower = ingestion.Follower(folder, db, self._job)
        for pid in earlier:
            local_runner.end_leftover(pid, folder)
        try:
            preparation.make_ready(self._workspace, self._job, folder)
        except WorkspaceError:
            raise
        except PairwrightError as error:
            folder.path.mkdir(parents=True, exist_ok=True)
            folder.fail(error.what, error.next_step)
        if _is_final(_result(folder)):
            self._ingest(follower)
            return None
        folder.forget_result()
        self._runner = LocalRunner(folder, self._command)
        self._write(lambda tx: jobs.mark_running(tx, self._job.id, self._job.fence, self._pid()))
        return self._watch(self._runner, follower, stop)

    def _watch(
        self, runner: LocalRunner, follower: ingestion.Follower, stop: threading.Event
    ) -> int:
        asked_at: float | None = None
        looked_at = 0.0
        traces = StallWatch(self._folder, self._pace.stall)
        while (status := runner.poll()) is None:
            now = time.monotonic()
            if now - looked_at >= self._pace.look:
                self._ingest(follower)
                looked_at = time.monotonic()
                self._hung = self._hung or traces.verdict()
            if self._hung:
                runner.kill()
            if asked_at is None and (stop.is_set() or self._lease.cancelling):
                runner.ask_to_stop()
                asked_at = now
            if asked_at is not None and now - asked_at > self._pace.grace:
                runner.kill()
            time.sleep(_POLL_SECONDS)
        self._ingest(follower)
        return status

    def _ingest(self, follower: ingestion.Follower) -> None:
        """Bring new events into the ledger; what the ledger cannot take now comes with the next."""
        if self._lease.lost:
            return
        try:
            progress = follower.ingest(self._workspace.ledger)
        except StaleFenceError:
            raise
        except PairwrightError as error:
            print(f"job {self._job.id}: events wait: {error.what}", flush=True)
            return
        if progress is not None:
            self._lease.show(progress)

    def _conclude(self, status: int | None, stop: threading.Event) -> None:
        result = _result(self._folder)
        if result is not None and result.state == "succeeded":
            self._succeed(result)
        elif result is not None and result.state == "failed":
            error = f"{result.what} {result.next_step}".strip()
            self._end(JobState.FAILED, error)
        elif self._lease.cancelling:
            self._end(JobState.CANCELLED, "Cancelled by request.")
        elif stop.is_set():
            self._release("The worker was stopped.", counted=False)
        else:
            self._release(self._hung or _story(status, self._folder))

    def _succeed(self, result: RunResult) -> None:
        """Take over what the run made. The lease is held while files are copied and read."""
        try:
            record = ingestion.take_over(self._workspace, self._job, self._folder, result)
        except DamagedError as error:
            # the next attempt goes on from the newest checkpoint that is whole
            self._folder.forget_result()
            self._release(error.what)
            return
        except (StaleFenceError, WorkspaceError):
            raise
        except PairwrightError as error:
            self._end(JobState.FAILED, f"{error.what} {error.next_step}".strip())
            return
        self._finally(record)

    def _end(self, state: JobState, error: str) -> None:
        job = self._job
        self._finally(lambda tx: jobs.finish(tx, job.id, job.fence, state, None, error))

    def _release(self, reason: str, *, counted: bool = True) -> None:
        job = self._job
        self._finally(lambda tx: jobs.release(tx, job.id, job.fence, reason, counted=counted))

    def _finally(self, work: Callable[[Connection], object]) -> None:
        """The last write of this attempt. After it nobody may renew."""
        self._lease.stop()
        if self._lease.lost:
            raise StaleFenceError(self._lease.lost)
        self._write(work)

    def _write(self, work: Callable[[Connection], object]) -> None:
        """Write, again and again while the ledger is away, as long as the lease may still hold."""
        deadline = time.monotonic() + self._pace.unreachable
        while True:
            try:
                with self._workspace.ledger.write() as tx:
                    work(tx)
                return
            except WorkspaceError:
                if time.monotonic() > deadline or self._lease.lost:
                    raise
                time.sleep(self._pace.look)

    def _pid(self) -> int:
        return self._runner.pid if self._runner is not None else 0

    def _kill_runner(self) -> None:
        if self._runner is not None:
            self._runner.kill()


def _result(folder: JobFolder) -> RunResult | None:
    try:
        return folder.result()
    except (DamagedError, TypeError, KeyError):
        return None


def _is_final(result: RunResult | None) -> bool:
    return result is not None and result.state in ("succeeded", "failed")


def _story(status: int | None, folder: JobFolder) -> str:
    ending = "The run was stopped from outside." if status == 0 else None
    said = ending or local_runner.describe_exit(status or 0)
    tail = folder.log_tail()
    return f"{said} Last lines of its log:\n{tail}" if tail else said
