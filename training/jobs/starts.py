"""Where a run starts, and what it is measured against: names resolved to weights and adapters."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import checkpoints, models
from storage.errors import NotFoundError, WrongInputError
from storage.ledger import Connection
from storage.rows import Checkpoint

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Start:
    """A model with the checkpoints trained on top of it.

    Attributes:
        name: as the user knows it.
        model: folder or Hub id of the model underneath.
        checkpoints: ids on top of it, the oldest first; empty for the bare model.
    """

    name: str
    model: str
    checkpoints: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "model": self.model, "checkpoints": list(self.checkpoints)}

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Start:
        return cls(data["name"], data["model"], tuple(data["checkpoints"]))

    @property
    def tip(self) -> str | None:
        """The checkpoint that it ends in, None for the bare model."""
        return self.checkpoints[-1] if self.checkpoints else None


def resolve(db: Connection, name: str) -> Start:
    """A registered model, a checkpoint by id or name, a folder with config.json, or a Hub id.

    A Hub id is not checked over the network. Raises NotFoundError for a plain unknown name, listing
    what there is, nearest first; WrongInputError for a folder that holds no model.
    """
    model = models.get(db, name)
    if model is not None:
        return Start(model.name, model.location)
    checkpoint = _checkpoint(db, name)
    if checkpoint is not None:
        return _of_checkpoint(db, checkpoint)
    folder = _folder(name)
    if folder is not None:
        return Start(name, str(_checked(folder)))
    if _HUB_ID.fullmatch(name):
        return Start(name, name)
    raise _unknown(db, name)


def resolve_reference(db: Connection, reference: str, start: Start) -> Start:
    """What `reference_model` of the settings means for a run from `start`.

    Raises WrongInputError when a checkpoint of another model is named, NotFoundError when none has
    this name.
    """
    if reference == "base":
        return Start("base", start.model)
    if reference == "round_start":
        return Start("round_start", start.model, start.checkpoints)
    checkpoint = _checkpoint(db, reference)
    if checkpoint is None:
        raise NotFoundError(
            f"reference_model is {reference!r}; there is no such checkpoint.",
            "Use base, round_start or a checkpoint of `pairwright checkpoint list`.",
        )
    found = _of_checkpoint(db, checkpoint)
    if found.model != start.model:
        raise WrongInputError(
            f"The reference {reference!r} stands on {found.model}, the start on {start.model}.",
            "Use a reference that stands on the same model.",
        )
    return found


def locate(db: Connection, home: Path, start: Start) -> tuple[str, tuple[str, ...]]:
    """The weights to load and the adapter folders to put on them, parent first.

    A fully trained checkpoint replaces what is underneath it.
    """
    weights, adapters = start.model, list[str]()
    for checkpoint_id in start.checkpoints:
        row = checkpoints.get(db, checkpoint_id)
        folder = str((home / row.path).resolve())
        if row.kind == "full":
            weights, adapters = folder, []
        else:
            adapters.append(folder)
    return weights, tuple(adapters)


def is_hub_id(location: str) -> bool:
    """Whether a model's location is an id on the Hub and not a folder here."""
    return _HUB_ID.fullmatch(location) is not None and not Path(location).is_dir()


def _of_checkpoint(db: Connection, checkpoint: Checkpoint) -> Start:
    line = checkpoints.lineage(db, checkpoint.id)
    return Start(checkpoint.name, checkpoint.model, tuple(row.id for row in line))


def _checkpoint(db: Connection, name: str) -> Checkpoint | None:
    try:
        return checkpoints.get(db, name)
    except NotFoundError:
        return None


def _folder(name: str) -> Path | None:
    """The folder that this names. A plain word counts only when a model is in there."""
    try:
        folder = Path(name).expanduser()
        is_plain = name == folder.name
        if not name or not folder.is_dir():
            return None
    except (OSError, RuntimeError, ValueError):
        return None
    return None if is_plain and not (folder / "config.json").is_file() else folder.resolve()


def _checked(folder: Path) -> Path:
    if (folder / "config.json").is_file():
        return folder
    if (folder / "adapter_config.json").is_file():
        raise WrongInputError(
            f"{folder} holds an adapter, not a model.",
            "Start from the model it belongs to, or from a checkpoint of this workspace.",
        )
    raise WrongInputError(
        f"{folder} has no config.json, so it holds no model.",
        "Name the folder that save_pretrained wrote.",
    )


def _unknown(db: Connection, name: str) -> NotFoundError:
    known_models = [model.name for model in models.listed(db)]
    known_checkpoints = [row.name for row in checkpoints.listed(db)]
    return NotFoundError(
        f"There is no model or checkpoint {name!r}.",
        f"Models: {_nearest_first(name, known_models)}. "
        f"Checkpoints: {_nearest_first(name, known_checkpoints)}. "
        "A folder with config.json or a Hub id (org/name) also works.",
    )


def _nearest_first(name: str, known: Sequence[str], most: int = 12) -> str:
    if not known:
        return "none"

    def likeness(other: str) -> float:
        return -difflib.SequenceMatcher(None, name.lower(), other.lower()).ratio()

    ordered = sorted(known, key=likeness)
    more = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return ", ".join(ordered[:most]) + more
