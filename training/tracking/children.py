"""Processes that serve trackers: one for each errand at a time, tried again when it failed."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.jobs import local_runner

_FIRST_WAIT, _LONGEST_WAIT = 30.0, 600.0
# of one errand by one worker; the next worker begins anew
_MOST_TRIES = 6


@dataclass
class Errand:
    """A process that may have to be started several times.

    Its file is locked as long as it lives, so that several workers start only one.
    """

    module: str
    words: Sequence[str]
    lock: Path
    process: subprocess.Popen[bytes] | None = None
    tries: int = 0
    due: float = 0.0
    done: bool = False

    @property
    def is_over(self) -> bool:
        return self.done or self.tries >= _MOST_TRIES

    def look(self) -> None:
        """Take notice of its end, or start it when it is due."""
        if self.process is not None:
            self._notice()
        elif not self.is_over and time.monotonic() >= self.due:
            self._start()

    def end(self) -> None:
        """Kill it; what it has sent is remembered."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _notice(self) -> None:
        assert self.process is not None
        status = self.process.poll()
        if status is None:
            return
        self.process = None
        self.done = status == 0
        self.due = time.monotonic() + min(_LONGEST_WAIT, _FIRST_WAIT * 2**self.tries)
        self.tries += 1

    def _start(self) -> None:
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        with self.lock.open("a") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                # another worker's
                self.due = time.monotonic() + _FIRST_WAIT
                return
            # its words are ours to choose: what packages print may hold addresses and keys
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self.lock.parent,
                env=local_runner.environment(os.environ),
                # the lock stays with the process
                pass_fds=(held.fileno(),),
            )
