"""The manifest beside an export: what is in it, of what it was chosen, and under which licence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NAME = "manifest.json"
UNSTATED = "not stated"
# of this file
SCHEMA = 1


@dataclass(frozen=True)
class Manifest:
    """What an export says of itself.

    Attributes:
        format: how the data files are written.
        version: the dataset version, empty when rows were not taken from one.
        digest: SHA-256 over the content in canonical form, whatever the format.
        filter: what decided that a row is in.
        counts: name -> rows, or votes.
        licence: as the user says; nobody else knows it.
        note: that somebody wrote on the version; empty without one.
    """

    format: str
    digest: str
    filter: Mapping[str, Any]
    counts: Mapping[str, Any]
    version: str = ""
    licence: str = UNSTATED
    note: str = ""


def write(path: Path, manifest: Manifest) -> None:
    """Write the manifest into a new file."""
    text = json.dumps({"schema": SCHEMA, **asdict(manifest)}, ensure_ascii=False, indent=2)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text + "\n")
