"""What a run says while it runs: metrics once, progress at most once a second, and when to stop.

A run that resumes computes some steps again. The journal knows which metrics the job folder holds
already and says each step of each split once only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from training.jobs.folder import JobFolder

_PROGRESS_SECONDS = 1.0


class StopRequestedError(Exception):
    """The worker asked the run to stop; raised at a safe point and caught by the run itself."""


class Journal:
    """Writes events of one run into its job folder."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._metrics, self._notes, self._saved = _written(folder)
        self._last_progress = 0.0
        self._phase = ""
        self._began: dict[str, float] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Every sentence said so far, in order."""
        return tuple(self._notes)

    @property
    def stop_requested(self) -> bool:
        return self._folder.stop_requested

    def check_stop(self) -> None:
        """Raises StopRequestedError when the run was asked to stop."""
        if self._folder.stop_requested:
            raise StopRequestedError

    def metric(self, step: int, epoch: float, split: str, values: Mapping[str, Any]) -> None:
        """Say the figures of a step, unless they were said in an earlier attempt."""
        if (split, step) in self._metrics:
            return
        self._metrics[split, step] = values
        self._folder.metric(step, epoch, split, values)

    def metrics_of(self, split: str) -> dict[int, Mapping[str, Any]]:
        """step -> figures of this split, from this attempt and earlier ones."""
        found = {step: values for (kind, step), values in self._metrics.items() if kind == split}
        return dict(sorted(found.items()))

    def note(self, text: str) -> None:
        """Say a sentence, once."""
        if text not in self._notes:
            self._notes[text] = None
            self._folder.note(text)

    def checkpoint(self, step: int, path: str) -> None:
        """Say that the checkpoint of a step is whole, once. `path` is relative to the folder."""
        if step not in self._saved:
            self._saved.add(step)
            self._folder.emit("checkpoint", {"step": step, "path": path})

    def progress(self, phase: str, done: int, total: int, began_with: int = 0) -> None:
        """Say where the run is, at most once a second within a phase.

        `began_with` is how much of `total` was done when the phase began, for the time left.
        """
        now = time.monotonic()
        fresh = phase != self._phase
        self._phase = phase
        if phase not in self._began or done == began_with:
            self._began[phase] = now
        if not fresh and done < total and now - self._last_progress < _PROGRESS_SECONDS:
            return
        self._last_progress = now
        eta = None
        if done > began_with:
            eta = (now - self._began[phase]) / (done - began_with) * (total - done)
        self._folder.progress(phase, done, total, eta)


def _written(
    folder: JobFolder,
) -> tuple[dict[tuple[str, int], Mapping[str, Any]], dict[str, None], set[int]]:
    """What earlier attempts left: (split, step) -> figures, notes, steps of checkpoints."""
    metrics: dict[tuple[str, int], Mapping[str, Any]] = {}
    notes: dict[str, None] = {}
    saved: set[int] = set()
    if not folder.events_file.exists():
        return metrics, notes, saved
    for line in folder.events_file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            # the half line of an attempt that was killed; the folder mends it
            continue
        payload = event["payload"]
        if event["kind"] == "metric":
            metrics[payload["split"], payload["step"]] = payload["values"]
        elif event["kind"] == "note":
            notes[payload["text"]] = None
        elif event["kind"] == "checkpoint":
            saved.add(payload["step"])
    return metrics, notes, saved
