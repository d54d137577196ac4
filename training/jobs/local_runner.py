"""Runners as processes of this machine: start one, watch it, stop it, end its whole group."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.jobs.folder import CANNOT_WRITE, LOST_PROCESS, PARENT_VARIABLE, JobFolder

COMMAND: Sequence[str] = (sys.executable, "-m", "training.jobs.runner")
# what speaks of the ledger stays with the worker; PG* are libpq's variables
_HIDDEN_PREFIXES = ("PAIRWRIGHT_", "PG")
_ROOT = Path(__file__).resolve().parent.parent


class LocalRunner:
    """One runner process, leader of its own session and process group."""

    def __init__(self, folder: JobFolder, command: Sequence[str] = COMMAND) -> None:
        with folder.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, str(folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder.path,
                env=environment(os.environ),
                start_new_session=True,
            )
        self._exit: int | None = None
        # the lease's threads may kill while the attempt polls
        self._gate = threading.RLock()

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """Exit status, negative for a signal; None while it runs.

        Whatever else its group still runs is killed before the leader is reaped, while the group's
        number cannot belong to anybody else.
        """
        with self._gate:
            if self._exit is not None:
                return self._exit
            return self._reap() if self._has_ended() else None

    def ask_to_stop(self) -> None:
        """SIGTERM to the runner alone: it stops at its next safe point."""
        if self.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL to the whole group; returns the exit status."""
        with self._gate:
            return self._reap() if self._exit is None else self._exit

    def _has_ended(self) -> bool:
        if not hasattr(os, "waitid"):
            return self._process.poll() is not None
        # looks without reaping, so that the process id stays taken
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, options) is not None

    def _reap(self) -> int:
        self._signal_group(signal.SIGKILL)
        self._exit = self._process.wait()
        return self._exit

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """What a runner may know of the worker's environment, plus what it must."""
    kept = {name: value for name, value in base.items() if not name.startswith(_HIDDEN_PREFIXES)}
    path = os.pathsep.join(filter(None, (str(_ROOT), base.get("PYTHONPATH", ""))))
    return kept | {
        "PYTHONPATH": path,
        # the job folder is the working directory; nothing in it may pass for a module
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        PARENT_VARIABLE: str(os.getpid()),
    }


def describe_exit(status: int) -> str:
    """An exit status in words."""
    if status == CANNOT_WRITE:
        return "The runner could not write into its job folder: the disk may be full."
    if status == LOST_PROCESS:
        return "One of the processes of the run was ended, and so the run was."
    if status >= 0:
        return f"The runner ended with exit status {status} and no result."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "an unknown signal"
    hint = " (out of memory, or killed by hand)" if -status == signal.SIGKILL else ""
    return f"The runner was ended by signal {-status}, {name}{hint}."


def is_alive(pid: int) -> bool:
    """Whether a process of this machine has this id. Zombies count as dead where /proc tells."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state not in ("Z", "X")


def end_leftover(pid: int, folder: JobFolder, patience_seconds: float = 5.0) -> None:
    """Kill the runner of an earlier attempt if it is still at work in this folder.

    Only a process whose command line ends in this folder is touched: ids are reused.
    """
    deadline = time.monotonic() + patience_seconds
    while _works_in(pid, folder) and time.monotonic() < deadline:
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.05)


def _works_in(pid: int, folder: JobFolder) -> bool:
    if pid <= 0 or not is_alive(pid):
        return False
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return False
    return words[-1] == os.fsencode(folder.path)
