"""The manifest of a published dataset version: what pulling it back checks before believing it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from storage.errors import DamagedError
from storage.exports import manifest as exported

NAME = exported.NAME
# a manifest is a few kilobytes
LARGEST = 1_000_000
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Short = Annotated[str, Field(max_length=200)]
# the only files that are read, and the side of the split that each holds
_File = Annotated[str, Field(pattern=r"^data/(train|holdout)\.parquet$")]


class FileFacts(BaseModel):
    """SHA-256 and bytes of a file."""

    model_config = ConfigDict(frozen=True)
    sha256: _Hash
    size: Annotated[int, Field(ge=0)]


class Manifest(BaseModel):
    """What is published.

    Attributes:
        version: as it was called where it was built.
        digest: of the published rows.
        source_digest: of the version that they were taken from: another one where rows or a
            person's name stayed behind.
        labels: whose, without the name of a person.
        filter: what decided that a row is in.
        counts: side of the split -> rows.
        excluded: reason -> pairs that are not in the version.
        left_out: reason -> rows of the version that are not published.
        files: name -> what is in it.
    """

    model_config = ConfigDict(frozen=True)
    format: Literal["pairwright dataset"] = "pairwright dataset"
    version: _Short
    digest: _Hash
    source_digest: _Hash
    labels: _Short
    made: _Short = ""
    filter: Annotated[dict[_Short, Any], Field(max_length=40)]
    counts: dict[Literal["train", "holdout"], Annotated[int, Field(ge=0)]]
    excluded: Annotated[dict[_Short, int], Field(max_length=100)] = Field(default_factory=dict)
    left_out: Annotated[dict[_Short, int], Field(max_length=100)] = Field(default_factory=dict)
    licence: _Short = exported.UNSTATED
    files: Annotated[dict[_File, FileFacts], Field(min_length=1)]


def write(folder: Path, manifest: Manifest) -> None:
    """Write it into the folder of the files."""
    (folder / NAME).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Manifest:
    """The manifest in a folder that came from elsewhere.

    Raises:
        DamagedError: it is none, or says what no manifest says.
    """
    path = folder / NAME
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has {path.stat().st_size:,} bytes")
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as problem:
        raise DamagedError(
            f"{NAME} is no manifest of a published dataset version ({_why(problem)[:200]}).",
            "Pull a revision that `pairwright dataset push` wrote.",
        ) from None


def _why(problem: Exception) -> str:
    """The first thing that is wrong, and where."""
    if not isinstance(problem, ValidationError):
        return str(problem)
    first = problem.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def check(folder: Path, files: Mapping[str, FileFacts]) -> None:
    """Compare files with what the manifest says of them.

    Raises:
        DamagedError: naming the first that differs.
    """
    for name, facts in files.items():
        found = facts_of(folder / name)
        if found != facts:
            raise DamagedError(
                f"{name} has {found.size:,} bytes and the SHA-256 {found.sha256[:12]}; the manifest"
                f" says {facts.size:,} and {facts.sha256[:12]}.",
                "It was changed, or cut on its way. Pull again; if that ends the same, do not use "
                "it.",
            )


def facts_of(path: Path) -> FileFacts:
    with path.open("rb") as file:
        return FileFacts(
            sha256=hashlib.file_digest(file, "sha256").hexdigest(), size=path.stat().st_size
        )
