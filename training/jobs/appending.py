"""Files of JSON lines that a run adds to, safe against being killed in the middle of a line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def mended(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file, none when it is not there; a half line at the end is cut off."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines()]


def append(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Add lines; they are on the disk when this returns."""
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records))
        file.flush()
        os.fsync(file.fileno())
