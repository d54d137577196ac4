"""One writer at a time: an operating-system lock beside the SQLite ledger.

SQLite before 3.51.3 can corrupt a WAL when two connections write and checkpoint at once, and many
own connections have seconds of tail latency. So every write transaction, and every opening and
closing of a connection that can write, happens under this lock.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import WorkspaceError

TIMEOUT_SECONDS = 30.0
_FIRST_WAIT = 0.0002
_LONGEST_WAIT = 0.005


class LedgerLock:
    """A lock between threads and processes on one machine.

    Two files are locked in turn: `<ledger>.queue` while waiting, `<ledger>.lock` while writing.
    With one file alone, a process that commits in a tight loop starves those that wait.
    """

    def __init__(self, ledger: Path, timeout: float = TIMEOUT_SECONDS) -> None:
        self.path = ledger.with_name(ledger.name + ".lock")
        self._queue = ledger.with_name(ledger.name + ".queue")
        self._timeout = timeout
        # the same two steps between the threads of this process
        self._turn = threading.Lock()
        self._threads = threading.Lock()
        self._owner: int | None = None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock inside the block.

        Raises:
            WorkspaceError: it was not free within the timeout; names the file and who holds it.
            RuntimeError: this thread holds it already.
        """
        if self._owner == threading.get_ident():
            raise RuntimeError("A write inside a write of the same thread would wait for itself.")
        deadline = time.monotonic() + self._timeout
        self._wait_for_threads(deadline)
        try:
            self._owner = threading.get_ident()
            with self._hold_file(deadline):
                yield
        finally:
            self._owner = None
            self._threads.release()

    def _wait_for_threads(self, deadline: float) -> None:
        if self._turn.acquire(timeout=self._timeout):
            try:
                if self._threads.acquire(timeout=max(0.0, deadline - time.monotonic())):
                    return
            finally:
                self._turn.release()
        raise self._busy(os.getpid())

    @contextmanager
    def _hold_file(self, deadline: float) -> Iterator[None]:
        waiting = self._open(self._queue)
        try:
            self._wait_for(waiting, deadline)
            held = self._open(self.path)
            try:
                self._wait_for(held, deadline)
                os.close(waiting)
                waiting = -1
                _sign(held)
                yield
            finally:
                # closing the only descriptor of an open file gives its lock back
                os.close(held)
        finally:
            if waiting >= 0:
                os.close(waiting)

    def _open(self, path: Path) -> int:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise WorkspaceError(
                f"The lock file {path} cannot be opened: {error.strerror}.",
                "Check that the workspace folder exists and that you may write to it.",
            ) from error

    def _wait_for(self, handle: int, deadline: float) -> None:
        pause = _FIRST_WAIT
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise self._busy(self._holder()) from None
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_WAIT)
            else:
                return

    def _holder(self) -> int | None:
        try:
            return int(self.path.read_bytes())
        except (OSError, ValueError):
            return None

    def _busy(self, holder: int | None) -> WorkspaceError:
        who = "another process" if holder is None else f"process {holder}"
        return WorkspaceError(
            f"The ledger has been locked by {who} for {self._timeout:g} s (lock file {self.path}).",
            "Wait until that process is done, or stop it, and try again.",
        )


def _sign(handle: int) -> None:
    """Write the id of this process into the lock file, in place and only when it is another: a
    truncated file would have to be allocated again, which waits for the disk."""
    name = f"{os.getpid():<20}\n".encode()
    if os.pread(handle, len(name), 0) != name:
        os.pwrite(handle, name, 0)
