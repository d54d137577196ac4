"""TensorBoard: event files, without TensorFlow or torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from training.tracking.points import Point
from training.tracking.subject import Ending, Subject


class TensorBoard:
    """A folder of event files per run. One that goes on writes a further file."""

    def __init__(self, subject: Subject, memory: Mapping[str, str]) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        root = Path(subject.local) / "tensorboard"
        folder = root / subject.project / f"{subject.name}-{subject.job[:8]}"
        self._writer = EventFileWriter(str(folder))
        self.memory = memory
        self.where = f"tensorboard --logdir {root}"

    def log(self, points: Sequence[Point]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        for point in points:
            values = [
                Summary.Value(tag=name, simple_value=value) for name, value in point.values.items()
            ]
            event = Event(wall_time=point.at / 1e6, step=point.step, summary=Summary(value=values))
            self._writer.add_event(event)
        self._writer.flush()

    def finish(self, ending: Ending) -> None:
        self._writer.close()
