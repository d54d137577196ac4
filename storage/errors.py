"""The one family of errors that Pairwright raises on purpose.

An error says what happened with the value seen (`what`) and what to do next (`next_step`).
It becomes an exit code, a JSON body or a red box in exactly one place each.
"""

from __future__ import annotations


class PairwrightError(Exception):
    """Something went wrong that the user can act on."""

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(f"{what} {next_step}".strip())
        self.what = what
        self.next_step = next_step


class NotFoundError(PairwrightError):
    """A named thing does not exist."""


class ConflictError(PairwrightError):
    """The change contradicts what is already recorded."""


class WrongInputError(PairwrightError):
    """A value from the user cannot be used."""


class StaleFenceError(PairwrightError):
    """A write came from an attempt that no longer holds the job."""


class WorkspaceError(PairwrightError):
    """The workspace folder is missing, newer than the code, or not writable."""


class DiskFullError(WorkspaceError):
    """There is no room to write; what was acknowledged is kept, and room is all it takes."""


class DamagedError(PairwrightError):
    """A file on disk does not match its digest or manifest."""
