"""How far a tracker is with a run, in the job's folder; and what the run's page says of it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from training.settings.tracking import TRACKERS
from training.tracking import subject

_SECRET = re.compile(r"KEY|TOKEN|PASSWORD|SECRET|CREDENTIAL|URI|URL", re.IGNORECASE)
# user and password of an address, which packages may write in another form than it was given
_USER = re.compile(r"://[^/@\s]+@")
_SHORTEST_SECRET = 4
_LONGEST_PROBLEM = 300


@dataclass(frozen=True)
class Standing:
    """Where a tracker is.

    Attributes:
        sent: sequence of the last event that it has.
        points: points that it has.
        done: whether it also knows how the run ended.
        where: how to look at the run there, without address or key.
        problem: why the last try ended; empty when all is well.
        memory: what the tracker itself must know to go on, such as the id of its run.
    """

    sent: int = 0
    points: int = 0
    done: bool = False
    where: str = ""
    problem: str = ""
    memory: Mapping[str, str] = field(default_factory=dict)


def read(folder: Path, tracker: str) -> Standing:
    """Of a tracker in a job's folder; a new one where nothing is known."""
    try:
        return Standing(**subject.read(_file(folder, tracker)))
    except (OSError, ValueError, TypeError):
        return Standing()


def write(folder: Path, tracker: str, standing: Standing) -> None:
    subject.write(_file(folder, tracker), asdict(standing))


def told(folder: Path) -> list[str]:
    """A sentence for every tracker that has begun with the run in this job folder."""
    if not (folder / subject.FOLDER).is_dir():
        return []
    known = [(name, read(folder, name)) for name in TRACKERS if _file(folder, name).exists()]
    return [_sentence(name, standing) for name, standing in known]


def said_of(error: BaseException) -> str:
    """An error in one line, without addresses and keys of the environment."""
    text = str(error).strip()
    line = f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) >= _SHORTEST_SECRET:
            line = line.replace(value, f"${name}")
    return _USER.sub("://", line)[:_LONGEST_PROBLEM]


def _sentence(tracker: str, standing: Standing) -> str:
    count = f"{standing.points:,} points"
    if standing.problem:
        return (
            f"Tracking by {tracker} failed after {count}: {standing.problem}. "
            "The run goes on without it; a worker tries again."
        )
    return f"Tracked by {tracker}: {count}. {standing.where}".rstrip()


def _file(folder: Path, tracker: str) -> Path:
    return folder / subject.FOLDER / f"{tracker}.json"
