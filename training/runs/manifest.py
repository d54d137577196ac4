"""Checkpoints that are whole: MANIFEST.json lists every file with its size and SHA-256.

A checkpoint counts only when its manifest verifies. The trainer of transformers takes the newest
folder, torn or not; we take the newest one that verifies and put torn ones aside.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from storage.errors import DamagedError

NAME = "MANIFEST.json"
SCHEMA = 1
# folder for checkpoints that did not verify; kept so that a person can look at them
TORN = "torn"
# needed to resume a run, never to use its result; some of these are pickles
RESUME_ONLY = (
    "optimizer*",
    "scheduler*",
    "scaler*",
    "rng_state*",
    "trainer_state.json",
    "training_args.bin",
    # DeepSpeed's shares of the optimizer
    "*_states.pt",
    "latest",
    "zero_to_fp32.py",
)

_CHUNK = 1 << 20
_STEP = re.compile(r"step-(\d+)")


@dataclass(frozen=True)
class Entry:
    """One file of a checkpoint: bytes and SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The files of a checkpoint by their path relative to it, and what else was recorded."""

    files: Mapping[str, Entry]
    facts: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """One digest over all files: of the lines `sha256  path`, sorted by path, as sha256sum
        writes them."""
        lines = (f"{entry.sha256}  {name}\n" for name, entry in sorted(self.files.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def step_folder(checkpoints: Path, step: int) -> Path:
    """Where the checkpoint of optimizer step `step` is kept."""
    return checkpoints / f"step-{step}"


def complete(folder: Path, facts: Mapping[str, Any]) -> Manifest:
    """Write the manifest of a checkpoint whose files are all there.

    The files are on disk before the manifest is, and the manifest appears whole or not at all. A
    folder whose name ends in `.partial` is renamed to the name without it afterwards.
    """
    files = {}
    for path in _files_of(folder):
        files[path.relative_to(folder).as_posix()] = _entry_of(path)
        _sync(path)
    made = Manifest(files, dict(facts))
    _write(folder, made)
    if folder.suffix == ".partial":
        final = folder.with_suffix("")
        if final.exists():
            put_aside(final)
        folder.rename(final)
    _sync(folder.parent)
    return made


def verify(folder: Path) -> Manifest:
    """Compare every file with the manifest.

    Raises DamagedError naming the first file that is missing, unlisted, or of another size or
    content.
    """
    manifest = read(folder)
    present = {path.relative_to(folder).as_posix() for path in _files_of(folder)}
    for name in sorted(present - set(manifest.files)):
        raise _damaged(folder, f"{name} is not in its manifest")
    for name, expected in manifest.files.items():
        if name not in present:
            raise _damaged(folder, f"{name} is missing")
        size = (folder / name).stat().st_size
        if size != expected.size:
            raise _damaged(folder, f"{name} has {size} bytes instead of {expected.size}")
        if _entry_of(folder / name) != expected:
            raise _damaged(folder, f"{name} does not match its SHA-256")
    return manifest


def read(folder: Path) -> Manifest:
    """The manifest as written, without comparing the files.

    Raises DamagedError when there is none or it cannot be read.
    """
    try:
        data = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise _damaged(folder, f"its manifest has schema {data['schema']!r}, not {SCHEMA}")
        files = {name: Entry(**entry) for name, entry in data["files"].items()}
        return Manifest(files, data["facts"])
    except FileNotFoundError as error:
        raise _damaged(folder, "it has no manifest") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder, f"its manifest cannot be read ({error})") from error


def steps(checkpoints: Path) -> list[int]:
    """The steps that a run kept, whole or not, in order."""
    if not checkpoints.is_dir():
        return []
    return sorted(
        int(found[1])
        for path in checkpoints.iterdir()
        if (found := _STEP.fullmatch(path.name)) and path.is_dir()
    )


def newest_verified(checkpoints: Path) -> Path | None:
    """The `step-<n>` folder with the largest n that verifies; None when there is none.

    Newer ones that do not verify, and unfinished `.partial` ones, are put aside.
    """
    if not checkpoints.is_dir():
        return None
    for partial in checkpoints.glob("*.partial"):
        put_aside(partial)
    for step in reversed(steps(checkpoints)):
        path = step_folder(checkpoints, step)
        try:
            verify(path)
        except DamagedError:
            put_aside(path)
        else:
            return path
    return None


def put_aside(folder: Path) -> Path:
    """Move a checkpoint that is not whole into `torn/` beside it; returns where it is now."""
    torn = folder.parent / TORN
    torn.mkdir(exist_ok=True)
    number = 1
    while (target := torn / f"{folder.name}-{number}").exists():
        number += 1
    return folder.rename(target)


def publish(source: Path, target: Path, leave_out: Sequence[str] = RESUME_ONLY) -> Manifest:
    """Copy a verified checkpoint to `target`, which appears whole or not at all.

    Files that match `leave_out` by name stay behind. What a crash left half copied is made anew;
    a target that is there and verifies is kept.
    Raises DamagedError when source or copy does not verify.
    """
    if target.exists():
        return verify(target)
    kept = _without(verify(source), leave_out)
    incoming = _incoming(target)
    for name in kept.files:
        copy = incoming / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, copy)
        _sync(copy)
    _write(incoming, kept)
    copied = verify(incoming)
    incoming.rename(target)
    _sync(target.parent)
    return copied


def link(source: Path, target: Path, leave_out: Sequence[str] = RESUME_ONLY) -> None:
    """Like `publish`, with hard links and unread: whoever uses `target` verifies it.

    Raises DamagedError without a manifest, OSError when a file is gone or cannot be linked.
    """
    kept = _without(read(source), leave_out)
    incoming = _incoming(target)
    incoming.mkdir(parents=True)
    for name in kept.files:
        copy = incoming / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.hardlink_to(source / name)
    _write(incoming, kept)
    incoming.rename(target)


def _without(manifest: Manifest, leave_out: Sequence[str]) -> Manifest:
    kept = {
        name: entry
        for name, entry in manifest.files.items()
        if not any(fnmatch(Path(name).name, pattern) for pattern in leave_out)
    }
    return Manifest(kept, manifest.facts)


def _incoming(target: Path) -> Path:
    """Where a copy grows before it has its name; what a crash left there is removed."""
    incoming = target.with_name(f"{target.name}.partial")
    if incoming.exists():
        shutil.rmtree(incoming)
    return incoming


def _files_of(folder: Path) -> list[Path]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise _damaged(folder, f"{path.relative_to(folder).as_posix()} is a link")
        if path.is_file() and path != folder / NAME:
            found.append(path)
    return found


def _entry_of(path: Path) -> Entry:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Entry(size, digest.hexdigest())


def _write(folder: Path, manifest: Manifest) -> None:
    files = {name: {"size": e.size, "sha256": e.sha256} for name, e in manifest.files.items()}
    temporary = folder.parent / f".{folder.name}.{NAME}.{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    with temporary.open("w", encoding="utf-8") as file:
        json.dump({"schema": SCHEMA, "files": files, "facts": dict(manifest.facts)}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / NAME)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _damaged(folder: Path, what: str) -> DamagedError:
    return DamagedError(
        f"The checkpoint {folder.name} is not whole: {what}.",
        "It is not used; train again or restore it from a backup.",
    )
