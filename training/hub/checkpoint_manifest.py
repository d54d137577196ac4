"""The manifest of a published checkpoint: its lineage, and every file with its hash."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from storage.errors import DamagedError
from training.hub import dataset_manifest, files
from training.hub.dataset_manifest import LARGEST, NAME, FileFacts

_Short = Annotated[str, Field(max_length=200)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$")]


class Part(BaseModel):
    """One checkpoint of the lineage.

    Attributes:
        form: `adapter` or `full`.
        dataset: the version that it was trained on, as it is called where it was built.
        digest, repo, revision: of that version; repo is empty when it is not on the Hub.
        folder: where its files are; empty for the top.
        files: name -> what is in it; none for one that is known by name only.
    """

    model_config = ConfigDict(frozen=True)
    name: _Name
    form: Literal["adapter", "full"]
    stage: Literal["dpo", "sft"] = "dpo"
    dataset: _Short
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    repo: _Short = ""
    revision: _Short = ""
    folder: Annotated[str, Field(pattern=r"^(parents/[1-9][0-9]{0,2})?$")] = ""
    files: dict[_Name, FileFacts] = Field(default_factory=dict)

    @field_validator("files")
    @classmethod
    def _published(cls, value: dict[str, FileFacts]) -> dict[str, FileFacts]:
        for name in value:
            if not any(fnmatch(name, pattern) for pattern in files.PUBLISHED):
                raise ValueError(f"{name} is no file of a checkpoint")
        return value


class Manifest(BaseModel):
    """What is published. `line` is the lineage, the oldest first; its last part is the checkpoint.

    Attributes:
        base_hub, base_name: the model underneath: its id on the Hub, else what it was called.
        settings: of the training of the last part.
        metrics: its figures.
    """

    model_config = ConfigDict(frozen=True)
    format: Literal["pairwright checkpoint"] = "pairwright checkpoint"
    base_hub: _Short = ""
    base_name: _Short = ""
    line: Annotated[list[Part], Field(min_length=1, max_length=200)]
    settings: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)

    @property
    def files(self) -> dict[str, FileFacts]:
        """Every file by its path in the repository."""
        return {
            str(PurePosixPath(part.folder) / name): facts
            for part in self.line
            for name, facts in part.files.items()
        }

    @property
    def held(self) -> list[Part]:
        """The parts whose files are there."""
        return [part for part in self.line if part.files]


def write(upload: Path, facts: Mapping[str, Any], parents: list[str]) -> None:
    """Write the manifest of a folder that is about to be pushed.

    Args:
        facts: what `training.hub.facts` collected.
        parents: sub-folders with the adapters underneath, the oldest first.
    """
    folders = [*[""] * (len(facts["lineage"]) - len(parents) - 1), *parents, ""]
    known_only = len(facts["lineage"]) - len(parents) - 1
    line = []
    for number, (one, folder) in enumerate(zip(facts["lineage"], folders, strict=True)):
        held = {} if number < known_only else _held(upload / folder)
        line.append(Part(**one, folder=folder, files=held))
    made = Manifest(
        base_hub=facts["base"]["hub"],
        base_name=facts["base"]["name"],
        line=line,
        settings=facts["settings"],
        metrics=facts["metrics"],
    )
    (upload / NAME).write_text(made.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Manifest:
    """The manifest in a folder that came from elsewhere.

    Raises:
        DamagedError: it is none, or says what no manifest says.
    """
    path = folder / NAME
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has {path.stat().st_size:,} bytes")
        found = Manifest.model_validate_json(path.read_bytes())
        if not found.line[-1].files:
            raise ValueError("the checkpoint has no files")
        return found
    except (OSError, ValueError) as problem:
        first = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else problem
        raise DamagedError(
            f"{NAME} is no manifest of a published checkpoint ({str(first)[:200]}).",
            "Pull a revision that `pairwright checkpoint push` wrote.",
        ) from None


def _held(folder: Path) -> dict[str, FileFacts]:
    return {
        path.name: dataset_manifest.facts_of(path)
        for path in sorted(folder.iterdir())
        if path.is_file() and any(fnmatch(path.name, pattern) for pattern in files.PUBLISHED)
    }
