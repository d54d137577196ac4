"""Numbers, times and commands in the words of the console. Pure: the clock is an argument."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeGuard

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MICROS = 1_000_000

NOT_AVAILABLE = "n/a"

_JOB_KINDS = {
    "train": "training",
    "evaluate": "evaluation",
    "sample": "sampling",
    "judge": "judging",
    "publish": "publishing",
    "pull": "pulling",
}


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 pair`, `2,000 pairs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def share(value: float | None) -> str:
    """A value from 0 to 1 as a percentage with one decimal: `83.1%`."""
    return NOT_AVAILABLE if not is_number(value) else f"{100 * value:.1f}%"


def decimal(value: float | None) -> str:
    """Three significant digits, never in the exponent form for everyday sizes: `0.0413`, `1.20`."""
    if not is_number(value):
        return NOT_AVAILABLE
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def is_number(value: Any) -> TypeGuard[float]:
    """True for a finite int or float. None, NaN, infinities, text and bools are no numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 05 min`, `3 days`."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    if whole < 2 * DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"
    return f"{whole // DAY} days"


def ago(moment: int | None, now: int) -> str:
    """How long before `now` (both microseconds UTC): `20 s ago`, `never` for None."""
    if moment is None:
        return "never"
    seconds = (now - moment) / MICROS
    return "just now" if seconds < 1 else f"{_about(seconds)} ago"


def until(moment: int, now: int) -> str:
    """How long from `now` until `moment` (both microseconds UTC): `in 5 hours`, `over`."""
    seconds = (moment - now) / MICROS
    # what was made for 7 days a moment ago ends in 7 days
    rounded = seconds + MINUTE if seconds > HOUR else seconds
    return "over" if seconds <= 0 else f"in {_about(rounded)}"


def stamp(moment: int | None) -> str:
    """A time in UTC to the second: `2026-11-20 14:03:22 UTC`; empty for None."""
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment / MICROS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def excerpt(text: str, length: int = 120) -> str:
    """One line of at most `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def command(home: Path, *words: str) -> str:
    """A shell line that does what is proposed, safe to paste whatever the names contain.

    `--home` is left out where the command finds the workspace by itself.
    """
    line = shlex.join(("pairwright", *words))
    if home.resolve() == (Path.cwd() / "pairwright-home").resolve():
        return line
    return f"{line} --home {shlex.quote(os.fspath(home))}"


def job_kind(kind: str) -> str:
    """What a job of this kind does, as a noun: `training`."""
    return _JOB_KINDS.get(kind, kind)


def progress(reported: Mapping[str, Any]) -> str:
    """A job's last progress report: `training, step 40 of 120, 3 min 20 s left`."""
    words = [str(reported["phase"])] if reported.get("phase") else []
    step, steps = reported.get("step"), reported.get("steps")
    if is_number(step) and is_number(steps) and steps:
        words.append(f"step {step:,} of {steps:,}")
    eta = reported.get("eta_seconds")
    if is_number(eta) and eta:
        words.append(f"{duration(float(eta))} left")
    return ", ".join(words)


def _about(seconds: float) -> str:
    for size, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= size:
            return count(int(seconds // size), name)
    return f"{int(seconds)} s"
