"""Which weights a model has: one hash over the contents of its files.

Names and paths say little: a folder is written again, a Hub branch moves on. Files of many
gigabytes are not read again while size, times and inode are as they were.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from training.modeling import model_facts

_MEMORY = "weights.json"


def digest(location: str, adapters: Sequence[str], cache: Path) -> str | None:
    """SHA-256 (hex) over the weights of a model and of the adapters on it, parent first.

    Args:
        location: a folder, or a Hub id that was downloaded.
        cache: folder that remembers the hashes of files.

    Returns:
        None when the files cannot be read here.
    """
    found = hashlib.sha256()
    for place in (location, *adapters):
        folder = model_facts.folder_of(place)
        if folder is None:
            return None
        files = [*sorted(folder.glob("*.safetensors")), *sorted(folder.glob("*config.json"))]
        try:
            for file in files:
                found.update(f"{file.name} {_file_digest(file, cache)}\n".encode())
        except OSError:
            return None
        found.update(b"--\n")
    return found.hexdigest()


def _file_digest(file: Path, cache: Path) -> str:
    state = file.stat()
    # a file that is written again has another of these
    seen = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    known = _remembered(cache)
    name = str(file.resolve())
    if name in known and known[name][:-1] == seen:
        return str(known[name][-1])
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    _remember(cache, {**_remembered(cache), name: [*seen, found]})
    return found


def _remembered(cache: Path) -> dict[str, list[int | str]]:
    try:
        known = json.loads((cache / _MEMORY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(cache: Path, known: dict[str, list[int | str]]) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    temporary = cache / f".{_MEMORY}.{os.getpid()}"
    temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
    temporary.replace(cache / _MEMORY)
