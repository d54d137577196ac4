"""`python -m training.tracking.sending FOLDER TRACKER`: figures of a job's run to one tracker.

It follows the events until the worker says how the job ended, and ends with the worker. What has
been sent is remembered after every few points: who is killed repeats those at most.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from training.tracking import standing
from training.tracking.points import Point, Points
from training.tracking.standing import Standing
from training.tracking.subject import Ending, Subject, read_ending, read_subject
from training.tracking.to_mlflow import MLflow
from training.tracking.to_tensorboard import TensorBoard
from training.tracking.to_trackio import Trackio
from training.tracking.to_wandb import WandB

_PAUSE_SECONDS = 1.0


class Tracker(Protocol):
    """One that gets figures. What it raises ends this try; a later one goes on."""

    where: str
    memory: Mapping[str, str]

    def log(self, points: Sequence[Point]) -> None: ...

    def finish(self, ending: Ending) -> None: ...


# each imports its package when it is made: it may not be installed
_KINDS: Mapping[str, Callable[[Subject, Mapping[str, str]], Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": WandB,
    "mlflow": MLflow,
    "trackio": Trackio,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the tracker knows everything, 1 when it failed or the worker is gone."""
    folder, name = sys.argv[1:] if arguments is None else arguments
    return 0 if send(Path(folder), name) else 1


def send(folder: Path, name: str) -> bool:
    """Send everything until the job's end; False when that did not succeed."""
    known = standing.read(folder, name)
    try:
        known = _follow(folder, name, known)
    except ImportError as error:
        missing = f"{standing.said_of(error)}; pip install pairwright[tracking]"
        known = replace(standing.read(folder, name), problem=missing)
    except Exception as error:
        # whatever a tracker's package raises, it is said and never the run's trouble
        known = replace(standing.read(folder, name), problem=standing.said_of(error))
    standing.write(folder, name, known)
    return known.done


def _follow(folder: Path, name: str, known: Standing) -> Standing:
    worker = os.getppid()
    tracker = _KINDS[name](read_subject(folder), known.memory)
    points = Points(folder / "events.jsonl", known.sent)
    known = replace(known, where=tracker.where, memory=dict(tracker.memory), problem="")
    standing.write(folder, name, known)
    while os.getppid() == worker:
        # before the events: nothing is said after the job's end
        ending = read_ending(folder)
        while fresh := points.fresh():
            tracker.log(fresh)
            known = _after(known, fresh, tracker)
            standing.write(folder, name, known)
        if ending is not None:
            tracker.finish(ending)
            return replace(known, done=True)
        time.sleep(_PAUSE_SECONDS)
    return known


def _after(known: Standing, sent: Sequence[Point], tracker: Tracker) -> Standing:
    return replace(
        known,
        sent=sent[-1].sequence,
        points=known.points + len(sent),
        memory=dict(tracker.memory),
    )


if __name__ == "__main__":
    sys.exit(main())
