"""Reads a published dataset version back: Parquet as `storage.exports.trl` writes it whole.

The files come from elsewhere. They are read in a process of its own (`python -m
storage.imports.published`), which may use so much memory and time and no more, writes no
file, and says every row on standard output, one JSON object a line.
"""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import prompts
from storage.errors import DamagedError, PairwrightError, WrongInputError
from storage.exports.trl import OWN
from storage.imports import columnar, reader
from storage.rows import DatasetRow, Part, Turn

COMMAND: Sequence[str] = (sys.executable, "-P", "-m", "storage.imports.published")
_TEXTS = ("prompt", "chosen", "rejected", "pair_id", "category", *OWN)
# a row with as many pictures as it may have
_LONGEST_LINE = 1024**3
_AGAIN = "Pull it again; if that ends the same, ask who published it."


@dataclass(frozen=True)
class PublishedRow:
    """A row, and the bytes of its pictures by the media id that the file gives them."""

    row: DatasetRow
    pictures: Mapping[str, bytes]


def read(folder: Path, names: Sequence[str], memory: int = reader.MEMORY) -> Iterator[PublishedRow]:
    """The rows of the files of a folder, one for each side of the split, which names it.

    Raises:
        DamagedError: one is cut off, damaged, no such file, or takes more than it may.
    """
    command = (*COMMAND, str(folder), str(memory), *names)
    # only what is ours is started; what it says of itself goes nowhere but here
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        while line := process.stdout.readline(_LONGEST_LINE):
            said: dict[str, Any] = json.loads(line)
            if "done" in said:
                return
            if "failed" in said:
                raise DamagedError(said["failed"], _AGAIN)
            yield _row(said)
        raise DamagedError("The files take more memory or time to read than they may.", _AGAIN)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def main() -> None:
    """Say the rows of the files that the arguments name."""
    folder, memory, names = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    reader.confine(folder, memory)
    try:
        for name in names:
            for row in columnar.rows(folder / name, "parquet"):
                _say({**_plain(row.value or {}), "split": Path(name).stem})
        _say({"done": True})
    except PairwrightError as problem:
        _say({"failed": problem.what})
    except MemoryError:
        _say({"failed": "The files take more memory to read than they may."})


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that are known, pictures as text."""
    pictures = [
        {"path": one.get("path"), "bytes": base64.b64encode(one.get("bytes") or b"").decode()}
        for one in value.get("images") or ()
    ]
    return {**{name: value.get(name) for name in _TEXTS}, "images": pictures}


def _row(said: Mapping[str, Any]) -> PublishedRow:
    try:
        shown = [
            (Path(one["path"]).stem, base64.b64decode(one["bytes"], validate=True))
            for one in said["images"]
        ]
        row = DatasetRow(
            pair_id=_text(said["pair_id"]),
            prompt=prompts.build(
                _turns(said["prompt"], [media for media, _ in shown]), _text(said["category"])
            ),
            chosen=_answer(said["chosen"]),
            rejected=_answer(said["rejected"]),
            labels=_text(said["labels"]),
            votes=int(said["votes"]),
            confidence=float(said["confidence"]),
            record_id=_text(said["record_id"]),
            split=said["split"],
        )
    except (
        TypeError,
        ValueError,
        KeyError,
        IndexError,
        binascii.Error,
        WrongInputError,
    ) as problem:
        raise DamagedError(
            f"A row of {said['split']} is none of a published dataset version "
            f"({str(problem)[:120]}).",
            _AGAIN,
        ) from None
    return PublishedRow(row, dict(shown))


def _turns(messages: Sequence[Mapping[str, Any]], media: Sequence[str]) -> list[Turn]:
    left = iter(media)
    turns = [
        Turn(
            _text(message["role"]),
            tuple(
                Part("image", media=_next(left))
                if part["type"] == "image"
                else Part("text", _text(part["text"]))
                for part in message["content"]
            ),
        )
        for message in messages
    ]
    if next(left, None) is not None:
        raise ValueError("it has more pictures than places for them")
    return turns


def _next(left: Iterator[str]) -> str:
    found = next(left, None)
    if found is None:
        raise ValueError("it has fewer pictures than places for them")
    return found


def _answer(messages: Sequence[Mapping[str, Any]]) -> str:
    ((part,),) = (message["content"] for message in messages)
    return _text(part["text"])


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is {type(value).__name__}")
    return value


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=True) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
