"""What the number says that a command ends with."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """DONE also with some rejected rows; GATE: a condition that was asked for is not met."""

    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    GATE = 3
    INTERRUPTED = 130
