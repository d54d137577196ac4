"""Child processes of `up`: start them, wait until they answer, restart what dies, stop in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from storage.errors import PairwrightError

# seconds: how long a child may take to answer, and to end after SIGTERM
READY_WITHIN = 90.0
STOP_WITHIN = 15.0
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 30.0
# a child that lived this long starts again without waiting longer than the first time
LIVED_WELL = 60.0
_LOOK_EVERY = 0.2

Say = Callable[[str], None]


@dataclass(frozen=True)
class Service:
    """A program to keep running.

    Attributes:
        name: what people read.
        command: program and arguments.
        log: file that gets its standard output and error.
        is_ready: whether the process with this id does its work by now; asked again and again.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    is_ready: Callable[[int], bool]
    environment: dict[str, str] = field(default_factory=dict)


class Child:
    """One running service, in its own session so that Ctrl-C reaches only us."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._backoff = FIRST_BACKOFF
        self._start_again_at: float | None = None

    def start(self) -> None:
        self.service.log.parent.mkdir(parents=True, exist_ok=True)
        tied = [sys.executable, "-P", "-m", "console.tied", str(os.getpid())]
        with self.service.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*tied, *self.service.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **self.service.environment},
            )
        self._started = time.monotonic()
        self._start_again_at = None

    @property
    def exit_code(self) -> int | None:
        """None while it runs or was never started."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int:
        return 0 if self._process is None else self._process.pid

    def look_after(self, say: Say) -> None:
        """Report a death with the end of the log, and start again after a growing wait."""
        if self._start_again_at is not None:
            if time.monotonic() >= self._start_again_at:
                self.start()
                say(f"The {self.service.name} was started again.")
            return
        if self.exit_code is None:
            return
        if time.monotonic() - self._started >= LIVED_WELL:
            self._backoff = FIRST_BACKOFF
        again = f"Starting it again in {self._backoff:.0f} s."
        say(f"The {self.service.name} ended {self._ending()}. {again}{self._last_words()}")
        self._start_again_at = time.monotonic() + self._backoff
        self._backoff = min(2 * self._backoff, LONGEST_BACKOFF)

    def death(self) -> PairwrightError:
        """The error for a child that ended although it should not have."""
        return PairwrightError(
            f"The {self.service.name} ended {self._ending()}.{self._last_words()}",
            f"The whole log is {self.service.log}.",
        )

    def stop(self, within: float = STOP_WITHIN) -> None:
        """SIGTERM, and SIGKILL to all that is left of its session when it takes too long."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _ending(self) -> str:
        code = self.exit_code or 0
        return f"by signal {-code}" if code < 0 else f"with exit code {code}"

    def _last_words(self) -> str:
        tail = log_tail(self.service.log)
        return f" The end of its log:\n{textwrap.indent(tail, '  ')}" if tail else ""


def start_all(children: Sequence[Child], say: Say, stop: Event) -> None:
    """Start every child at once and wait until all answer, or until `stop` is set.

    Raises PairwrightError with the end of the log when one dies or does not answer in time; all
    are stopped then.
    """
    began = time.monotonic()
    for child in children:
        child.start()
    waiting = list(children)
    while waiting and not stop.wait(_LOOK_EVERY):
        seconds = time.monotonic() - began
        for child in list(waiting):
            if child.exit_code is not None:
                stop_all(children)
                raise child.death()
            if child.service.is_ready(child.pid):
                say(f"{child.service.name.capitalize()} ready after {seconds:.1f} s.")
                waiting.remove(child)
        if waiting and seconds > READY_WITHIN:
            stop_all(children)
            raise PairwrightError(
                f"The {waiting[0].service.name} did not answer within {READY_WITHIN:.0f} s.",
                f"Its log is {waiting[0].service.log}.",
            )


def watch(children: Sequence[Child], say: Say, stop: Event) -> None:
    """Look after the children until `stop` is set."""
    while not stop.wait(_LOOK_EVERY):
        for child in children:
            child.look_after(say)


def stop_all(children: Sequence[Child], say: Say = lambda _: None) -> None:
    """Stop the children one after the other, the last one started first."""
    for child in reversed(children):
        if child.pid and child.exit_code is None:
            child.stop()
            say(f"Stopped the {child.service.name}.")


def log_tail(log: Path, lines: int = 12, most_bytes: int = 16_384) -> str:
    """The last lines of a log; empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - most_bytes))
        text = file.read().decode("utf-8", errors="replace")
    return "\n".join(text.strip().splitlines()[-lines:])
