"""What a check found: fine, a warning, or a problem, each with what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from storage.errors import PairwrightError


class Grade(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One line of the report. `next_step` is empty when all is well."""

    check: str
    grade: Grade
    what: str
    next_step: str = ""


Check = Callable[[], Iterable[Finding]]


def ok(check: str, what: str) -> Finding:
    return Finding(check, Grade.OK, what)


def warning(check: str, what: str, next_step: str) -> Finding:
    return Finding(check, Grade.WARNING, what, next_step)


def problem(check: str, what: str, next_step: str) -> Finding:
    return Finding(check, Grade.PROBLEM, what, next_step)


def run(name: str, check: Check) -> Iterator[Finding]:
    """The findings of a check; one that cannot be made is a problem itself."""
    try:
        yield from check()
    except PairwrightError as error:
        yield problem(name, error.what, error.next_step)
    except Exception as error:
        what = f"This could not be checked: {type(error).__name__}: {error}"
        yield problem(name, what.splitlines()[0], "Please report this as a bug.")
