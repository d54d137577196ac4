"""Limits that a process sets itself before it reads what a stranger made."""

from __future__ import annotations

import resource


def confine(memory: int, seconds: int) -> None:
    """At most so many bytes of memory and seconds of computing, no files and no core dump."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # at the first limit the kernel says why, at the second it does not
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    for what in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(what, (0, 0))
