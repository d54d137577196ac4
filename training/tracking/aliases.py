"""`python -m training.tracking.aliases HOME PROJECT CHECKPOINT FOLDER`: the alias in MLflow.

There the alias `in_use` of the registered model names the version that is the checkpoint in use;
activate and rollback move it. An empty PROJECT takes the alias away: what is in use, if
anything is, is not in MLflow.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from storage.rows import Checkpoint
from training.tracking import facts, standing, subject
from training.tracking.to_mlflow import ALIAS, client, version_of

TRACKER = "mlflow"
_MOVED = "in_use.json"


@dataclass(frozen=True)
class Use:
    """Which version has the alias, and the job folder of its run; `Use()` when none has."""

    project: str = ""
    checkpoint: str = ""
    folder: str = ""


def wanted(in_use: Checkpoint | None, jobs_folder: Path) -> Use:
    """What the alias should name while this checkpoint is in use."""
    if in_use is None or TRACKER not in (in_use.config.get("tracking") or ()):
        return Use()
    folder = str((jobs_folder / in_use.job_id).resolve())
    return Use(in_use.config["tracking_project"], in_use.id, folder)


def moved_to(home: Path) -> Use:
    """What the alias names since it was moved last."""
    try:
        return Use(**subject.read(home / facts.LOCAL / _MOVED))
    except (OSError, ValueError, TypeError):
        return Use()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the alias has moved; else the page of the checkpoint's run says why not."""
    home, *words = sys.argv[1:] if arguments is None else arguments
    before, after, problem = moved_to(Path(home)), Use(*words), ""
    try:
        move(Path(home) / facts.LOCAL, before, after)
        subject.write(Path(home) / facts.LOCAL / _MOVED, asdict(after))
    except Exception as error:
        problem = f"the alias {ALIAS} was not moved: {standing.said_of(error)}"
    folder = Path(after.folder or before.folder)
    standing.write(folder, TRACKER, replace(standing.read(folder, TRACKER), problem=problem))
    return 1 if problem else 0


def move(local: Path, before: Use, after: Use) -> None:
    """Move the alias. Raises what MLflow raises, and LookupError for an unknown version."""
    tracked = client(local)
    if after.checkpoint:
        version = version_of(tracked, after.project, after.checkpoint)
        if version is None:
            raise LookupError(f"no version of {after.project} is {after.checkpoint}")
        tracked.set_registered_model_alias(after.project, ALIAS, version)
    if before.project and before.project != after.project:
        tracked.delete_registered_model_alias(before.project, ALIAS)


if __name__ == "__main__":
    sys.exit(main())
