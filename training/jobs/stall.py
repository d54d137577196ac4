"""Whether a runner that is alive still works: it leaves traces in its job folder, or it hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from training.jobs.folder import JobFolder

# loading a large model, or measuring with it, may be silent for long; saving leaves traces
DEFAULT_SECONDS = 3600.0

_Traces = frozenset[tuple[str, int, int]]


class StallWatch:
    """Remembers when the folder of a run last changed: events, log, samples, checkpoints."""

    def __init__(self, folder: JobFolder, limit: float) -> None:
        """`limit` is in seconds; the count begins now."""
        self._folder = folder
        self._limit = limit
        self._seen = self._traces()
        self._changed_at = time.monotonic()

    def verdict(self) -> str:
        """Why the runner counts as hanging, empty while it does not."""
        seen = self._traces()
        if seen != self._seen:
            self._seen = seen
            self._changed_at = time.monotonic()
        silent = time.monotonic() - self._changed_at
        if silent <= self._limit:
            return ""
        return (
            f"The runner hung: for {_span(silent)} it wrote no event, no line of its log and no "
            "checkpoint, so it was killed. A slow run may be given longer: "
            "pairwright worker --stall-minutes N."
        )

    def _traces(self) -> _Traces:
        found = []
        for path in self._files():
            # a file may be renamed between the listing and the look
            with suppress(OSError):
                facts = path.stat()
                found.append((str(path), facts.st_size, facts.st_mtime_ns))
        return frozenset(found)

    def _files(self) -> Iterator[Path]:
        folder = self._folder
        yield from (folder.events_file, folder.log_file, folder.samples_file, folder.result_file)
        with suppress(OSError):
            yield from folder.checkpoints.rglob("*")


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"
