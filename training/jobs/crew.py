"""The other processes of a run that wants several, started and watched by the runner.

The runner itself is the first of them, so lease, cancel, stall and kill know one process and its
group, as ever. The others write nothing into the job folder but how they failed. They die with the
first; when one of them dies, the first ends all and tells why:

- one that was killed, or lost the others: the attempt ends without a result, so it is tried again;
- one that failed: the job fails with its words;
- one whose device ran out of memory: the runner starts itself again with smaller batches.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from storage.errors import PairwrightError
from training.jobs import shortage
from training.jobs.folder import CANNOT_WRITE, LOST_PROCESS, PARENT_VARIABLE, JobFolder

COMMAND: Sequence[str] = (sys.executable, "-m", "training.jobs.runner")
# set for every process but the first
MEMBER_VARIABLE = "JOB_RUNNER_MEMBER"
# the file by which the processes find each other
MEETING_VARIABLE = "JOB_RUNNER_MEETING"
# JSON: settings of smaller batches, and what the run's page says of them
SMALLER_VARIABLE = "JOB_RUNNER_SMALLER"
_FOLDER = "processes"
# exit statuses of a process that is not the first
_WANTS_SMALLER, _LOST_OTHERS = 75, 76
_LOOK_SECONDS = 0.2
# one that dies takes others with it: whose fault it was is seen when all of them are gone
_SETTLE_SECONDS = 1.0
# how long an error of the first waits for news of another's death
_BLAME_SECONDS = 5.0
_FAREWELL_SECONDS = 10.0
# what gloo and NCCL say when the process at the other end is gone
_GONE = ("connection closed by peer", "connection reset by peer", "connection refused", "nccl")


class SmallerBatchesError(Exception):
    """A device's memory did not hold a batch: all processes begin again with `smaller`."""

    def __init__(self, smaller: Mapping[str, Any]) -> None:
        super().__init__("smaller batches")
        self.smaller = dict(smaller)


class SilentFolder(JobFolder):
    """The job folder as processes but the first see it: they read it and write nothing."""

    def emit(self, kind: str, payload: Mapping[str, Any]) -> None:
        return

    def _end(self, result: Any) -> None:
        return


class Crew:
    """The processes besides the first; none where the job wants one."""

    def __init__(self, folder: JobFolder, count: int, command: Sequence[str] = COMMAND) -> None:
        self._folder = folder
        self._command = (*command, str(folder.path))
        self._count = count
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ended = threading.Event()
        # whoever holds it decides how the run ends
        self._verdict = threading.Lock()
        if count == 1:
            return
        place = folder.path / _FOLDER
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shared = _shared_environment(place, count)
        os.environ.update(shared | _own_environment(0))
        for number in range(1, count):
            self._processes.append(_start(self._command, number, shared))
        threading.Thread(target=self._watch, daemon=True).start()

    def end(self, *, kindly: bool) -> None:
        """The run is over. `kindly` waits a moment for processes that are done, too."""
        with self._verdict:
            self._ended.set()
        deadline = time.monotonic() + (_FAREWELL_SECONDS if kindly else 0)
        while time.monotonic() < deadline and any(one.poll() is None for one in self._processes):
            time.sleep(_LOOK_SECONDS)
        self._kill()

    def blame(self) -> None:
        """Called with an error of the first process: does not return when another caused it."""
        deadline = time.monotonic() + (_BLAME_SECONDS if self._processes else 0)
        while time.monotonic() < deadline:
            self._look()
            time.sleep(_LOOK_SECONDS)

    def begin_again(self, smaller: Mapping[str, Any]) -> None:
        """Start this runner anew, in its place, with smaller batches. Does not return."""
        with self._verdict:
            self._begin_again(smaller)

    def _begin_again(self, smaller: Mapping[str, Any]) -> None:
        self._kill()
        if self._folder.stop_requested:
            self._folder.stop()
            os._exit(0)
        os.environ[SMALLER_VARIABLE] = json.dumps(smaller)
        sys.stdout.flush()
        os.execv(sys.executable, self._command)  # noqa: S606 (no shell)

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        with self._verdict:
            if not self._ended.is_set() and any(one.poll() for one in self._processes):
                self._conclude()

    def _conclude(self) -> None:
        """End the run for what became of another process. Does not return."""
        time.sleep(_SETTLE_SECONDS)
        ends = {n: one.poll() for n, one in enumerate(self._processes, start=1)}
        self._kill()
        bad = {number: status for number, status in ends.items() if status}
        killed = {number: status for number, status in bad.items() if status < 0}
        said = [_said(self._folder, number) for number in bad]
        smaller = [one["smaller"] for one in said if "smaller" in one]
        failures = [one for one in said if "what" in one]
        if not killed and smaller:
            self._begin_again(smaller[0])
        if not killed and failures:
            os._exit(_fail(self._folder, failures[0]))
        number, status = min((killed or bad).items())
        by = signal.Signals(-status).name if killed else f"exit status {status}"
        print(
            f"Process {number + 1} of {self._count} of this run was ended ({by}); the run goes on "
            "from its newest checkpoint when it is tried again.",
            flush=True,
        )
        os._exit(LOST_PROCESS)

    def _kill(self) -> None:
        for one in self._processes:
            if one.poll() is None:
                one.kill()
            one.wait()


def wanted(folder: JobFolder) -> int:
    """How many processes the job asks for: only a training asks for more than one."""
    spec = folder.read_spec()
    return int(spec.settings.get("processes", 1)) if spec.kind == "train" else 1


def is_member() -> bool:
    """Whether this process is one of several and not the first."""
    return MEMBER_VARIABLE in os.environ


def serve(folder: JobFolder, work: Callable[[JobFolder], None]) -> int:
    """Do the job as one of several processes; returns the exit status."""
    # the first is asked to stop, and tells the others
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work(SilentFolder(folder.path))
        return 0
    except SmallerBatchesError as error:
        return _say(folder, {"smaller": error.smaller}, _WANTS_SMALLER)
    except PairwrightError as error:
        return _say(folder, {"what": error.what, "next_step": error.next_step}, 1)
    except Exception as error:
        return _mishap(folder, error)


def _mishap(folder: JobFolder, error: Exception) -> int:
    traceback.print_exc()
    if any(word in str(error).lower() for word in _GONE):
        return _LOST_OTHERS
    what, next_step = shortage.told(error) or (
        f"A process of the run ended with {type(error).__name__}: {error}",
        "The job's log has the whole story.",
    )
    return _say(folder, {"what": what, "next_step": next_step}, 1)


def _say(folder: JobFolder, words: Mapping[str, Any], status: int) -> int:
    _words_of(folder, int(os.environ["RANK"])).write_text(json.dumps(words), encoding="utf-8")
    return status


def _said(folder: JobFolder, number: int) -> dict[str, Any]:
    try:
        found = json.loads(_words_of(folder, number).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(found)


def _words_of(folder: JobFolder, number: int) -> Path:
    return folder.path / _FOLDER / f"{number}.json"


def _fail(folder: JobFolder, words: Mapping[str, Any]) -> int:
    try:
        if folder.result() is None:
            folder.fail(words["what"], words["next_step"])
    except OSError:
        return CANNOT_WRITE
    return 1


def _shared_environment(place: Path, count: int) -> dict[str, str]:
    """What torch and accelerate read, as torchrun sets it; one machine talks to itself alone."""
    threads = max(1, ((os.cpu_count() or 2) - 1) // count)
    return {
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        MEETING_VARIABLE: str(place / "meeting"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(threads),
        "GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo",
    }


def _own_environment(number: int) -> dict[str, str]:
    return {"RANK": str(number), "LOCAL_RANK": str(number)}


def _start(
    command: Sequence[str], number: int, shared: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    own = {MEMBER_VARIABLE: "1", PARENT_VARIABLE: str(os.getpid())}
    environment = {**os.environ, **shared, **_own_environment(number), **own}
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)
