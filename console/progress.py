"""Progress on standard error: a moving bar at a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from console.output import Output

if TYPE_CHECKING:
    from rich.progress import Progress

# seconds between two lines where nothing can move
_LINE_EVERY = 10.0


class Meter:
    """One bar: what is happening, how far it is, how long it may take."""

    def __init__(self, output: Output, bar: Progress | None) -> None:
        self._output = output
        self._bar = bar
        self._task = None if bar is None else bar.add_task("", total=None, eta="")
        self._seen: set[str] = set()
        self._said_at = 0.0

    def begin(self, text: str) -> None:
        """What happens needs no line of its own before it has taken a while."""
        self._seen.add(text)
        self._said_at = time.monotonic()

    def update(
        self, text: str, done: float, total: float, eta_seconds: float | None = None
    ) -> None:
        """Show that `done` of `total` is reached; 0 of 0 is unknown."""
        eta = f"{eta_seconds:.0f} s left" if eta_seconds is not None else ""
        if self._bar is not None and self._task is not None:
            known = total if total else None
            self._bar.update(self._task, description=text, completed=done, total=known, eta=eta)
            return
        now = time.monotonic()
        if text not in self._seen or now - self._said_at >= _LINE_EVERY:
            steps = f" {done:.0f} / {total:.0f}" if total else ""
            self._output.say(f"{text}{steps}{', ' + eta if eta else ''}")
            self._seen.add(text)
            self._said_at = now


@contextmanager
def metering(output: Output) -> Iterator[Meter]:
    """A meter that disappears at the end."""
    if not output.messages.is_terminal:
        yield Meter(output, None)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[eta]}", markup=False),
    )
    with Progress(*columns, console=output.messages, transient=True) as bar:
        yield Meter(output, bar)


@contextmanager
def counting(output: Output, text: str) -> Iterator[Callable[[int, int], None]]:
    """A meter in percent, as the function (done, total) that long calls report to.

    Where nothing can move, what is done within seconds is not mentioned.
    """
    with metering(output) as meter:
        meter.begin(text)
        yield lambda done, total: meter.update(text, 100 * done // max(total, 1), 100)


@contextmanager
def step(output: Output, text: str) -> Iterator[None]:
    """Say that a step begins and, when it is done, how many seconds it took."""
    began = time.monotonic()
    output.say(f"{text} ...")
    yield
    output.say(f"{text}: done in {time.monotonic() - began:.1f} s")
