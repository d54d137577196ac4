"""Holding a job: a thread that renews its lease and hears when the job is to be cancelled.

A worker that cannot renew must assume that another one has the job: `on_lost` is called before the
lease can run out, even while a write to the ledger hangs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from storage import jobs, workers
from storage.errors import PairwrightError, StaleFenceError
from storage.ledger import Ledger
from storage.rows import Job, JobState
from training.jobs import stall


@dataclass(frozen=True)
class Pace:
    """How often a worker does what, in seconds. Tests go faster; nothing else should.

    Attributes:
        lease: how long a claim holds without being renewed.
        renew: between renewals.
        unreachable: after this long without a renewal the runner is killed; below `lease`.
        look: between looks at the events of the runner and the state of the job.
        grace: from SIGTERM to SIGKILL.
        idle: between looks at an empty queue.
        stall: after this long without a trace in its folder a runner counts as hanging.
    """

    lease: float = 60.0
    renew: float = 10.0
    unreachable: float = 45.0
    look: float = 1.0
    grace: float = 30.0
    idle: float = 1.0
    stall: float = stall.DEFAULT_SECONDS


@dataclass(frozen=True)
class Identity:
    """Who a worker is: a fresh id per start, its process and its machine."""

    id: str
    pid: int
    host: str


class Lease:
    """The lease of one attempt. Start it, read `cancelling` and `lost`, stop it."""

    def __init__(
        self,
        ledger: Ledger,
        job: Job,
        worker: Identity,
        pace: Pace,
        on_lost: Callable[[], None],
    ) -> None:
        self.cancelling = job.state is JobState.CANCELLING
        self.lost = ""
        self._ledger = ledger
        self._job = job
        self._worker = worker
        self._pace = pace
        self._on_lost = on_lost
        self._progress: Mapping[str, Any] = job.progress
        self._shown = self._progress
        self._ended = threading.Event()
        self._gate = threading.Lock()
        self._renewed_at = time.monotonic()
        self._threads = [
            threading.Thread(target=self._renewing, name=f"lease of {job.id}", daemon=True),
            threading.Thread(target=self._fuse, name=f"fuse of {job.id}", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads; the lease itself is given back by finishing or releasing the job."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def show(self, progress: Mapping[str, Any]) -> None:
        """Hand over progress; it is written with the next renewal, within a look."""
        self._progress = progress

    def _renewing(self) -> None:
        while not self._ended.wait(self._pace.look):
            due = time.monotonic() - self._renewed_at >= self._pace.renew
            try:
                if due or self._progress is not self._shown:
                    self._renew()
                else:
                    self._look()
            except StaleFenceError as error:
                self._lose(error.what)
                return
            except PairwrightError as error:
                print(f"job {self._job.id}: not renewed: {error.what}", flush=True)

    def _renew(self) -> None:
        progress = self._progress
        began = time.monotonic()
        with self._ledger.write() as tx:
            worker = self._worker
            workers.beat(tx, worker.id, worker.pid, worker.host)
            job = jobs.renew(tx, self._job.id, self._job.fence, progress, self._pace.lease)
        # counted from before the write: the database may have set the lease at its very start
        self._renewed_at = began
        self._shown = progress
        self.cancelling = self.cancelling or job.state is JobState.CANCELLING

    def _look(self) -> None:
        with self._ledger.read() as db:
            job = jobs.get(db, self._job.id)
        if job.fence != self._job.fence or job.lease_owner != self._worker.id:
            raise StaleFenceError(f"The job {job.id} is held by another attempt.")
        self.cancelling = self.cancelling or job.state is JobState.CANCELLING

    def _fuse(self) -> None:
        while not self._ended.wait(min(1.0, self._pace.unreachable / 10)):
            silent = time.monotonic() - self._renewed_at
            if silent > self._pace.unreachable:
                self._lose(f"The lease could not be renewed for {silent:.0f} s.")
                return

    def _lose(self, reason: str) -> None:
        with self._gate:
            if self.lost or self._ended.is_set():
                return
            self.lost = reason
        self._on_lost()
