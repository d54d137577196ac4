"""What a tracker is told of a run: what it is at the start, and how it ended."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_SUBJECT, _ENDING = "subject.json", "ending.json"
FOLDER = "tracking"


@dataclass(frozen=True)
class Subject:
    """A training job as trackers know it.

    Attributes:
        job, name: id of the job, and what the run is called.
        project: what it is listed under.
        settings: the resolved settings.
        start: name of the checkpoint or model that it starts from.
        dataset: id, digest, labels, rows, train and holdout of its dataset version.
        rows_file: absolute path of the rows; empty where files are not to be sent.
        sends_files: whether files may leave.
        local: absolute folder for what stays on this machine.
    """

    job: str
    name: str
    project: str
    settings: Mapping[str, Any]
    start: str
    dataset: Mapping[str, Any]
    rows_file: str
    sends_files: bool
    local: str


@dataclass(frozen=True)
class Ending:
    """How a job ended.

    Attributes:
        state: `succeeded`, `failed` or `cancelled`.
        checkpoint: id of what it made; empty when it made none.
        name, parent: of the checkpoint; parent is empty where it started at a model.
        round: the round that the job was queued for, or during which it was; empty without one.
        weights: absolute folder of the checkpoint.
        metrics: its figures, as they are in the ledger.
    """

    state: str
    checkpoint: str = ""
    name: str = ""
    parent: str = ""
    round: str = ""
    weights: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)


def write_subject(folder: Path, subject: Subject) -> None:
    """Write it into the job's folder, unless it is there."""
    if not (folder / FOLDER / _SUBJECT).exists():
        write(folder / FOLDER / _SUBJECT, asdict(subject))


def read_subject(folder: Path) -> Subject:
    return Subject(**read(folder / FOLDER / _SUBJECT))


def write_ending(folder: Path, ending: Ending) -> None:
    """Write it into the job's folder, unless it is there."""
    if not (folder / FOLDER / _ENDING).exists():
        write(folder / FOLDER / _ENDING, asdict(ending))


def read_ending(folder: Path) -> Ending | None:
    """None while the job has not ended."""
    path = folder / FOLDER / _ENDING
    return Ending(**read(path)) if path.exists() else None


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write(path: Path, values: Mapping[str, Any]) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    temporary.replace(path)
