"""trackio: a run in a local database, or in the Space that the environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.tracking.points import Point, numbers
from training.tracking.subject import Ending, Subject


class Trackio:
    """A run under the name of ours and the beginning of its job, which goes on when it is there."""

    def __init__(self, subject: Subject, memory: Mapping[str, str]) -> None:
        os.environ.setdefault("TRACKIO_DIR", str(Path(subject.local) / "trackio"))
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
        import trackio

        self._run = trackio.init(
            project=subject.project,
            name=f"{subject.name}-{subject.job[:8]}",
            config={**subject.settings, "start": subject.start, "dataset": dict(subject.dataset)},
            resume="allow",
            # a Space is public unless it is told otherwise
            private=True,
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        self.memory = memory
        self._step = int(memory.get("step", 0))
        place = "" if "TRACKIO_SPACE_ID" in os.environ else f"TRACKIO_DIR={_place()} "
        self.where = f"{place}trackio show --project {subject.project}"

    def log(self, points: Sequence[Point]) -> None:
        for point in points:
            self._run.log({**point.values, "epoch": point.epoch}, step=point.step)
            self._step = max(self._step, point.step)
        self.memory = {"step": str(self._step)}

    def finish(self, ending: Ending) -> None:
        found = numbers(ending.metrics, "checkpoint")
        if found:
            self._run.log(found, step=self._step)
        self._run.finish()


def _place() -> str:
    return os.environ["TRACKIO_DIR"]
