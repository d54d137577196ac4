"""The other end of `storage.imports.reader`: starts it, listens, and explains when it breaks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from storage.errors import WrongInputError
from storage.imports import records
from storage.imports.reader import Request
from storage.imports.records import Record

COMMAND: Sequence[str] = (sys.executable, "-P", "-m", "storage.imports.reader")
# a record with as many pictures as it may have
_LONGEST_LINE = 1024**3


@dataclass(frozen=True)
class Said:
    """A row of the file: a record, or the problem that it has.

    Attributes:
        end: bytes of the file that are read then.
    """

    line: int
    end: int
    record: Record | None
    problem: str = ""

    @property
    def size(self) -> int:
        """Letters of the pictures within the record."""
        messages = self.record.messages if self.record else ()
        return sum(len(piece.data) for message in messages for piece in message.pieces)


@dataclass
class Conversation:
    """What the reading process found and says.

    Attributes:
        columns: field -> column.
        size: bytes of the file or folder.
        notes: known when `rows` has ended.
    """

    format: str
    why: str
    columns: Mapping[str, str]
    size: int
    rows: Iterator[Said]
    notes: list[str] = field(default_factory=list)


@contextmanager
def reading(request: Request) -> Iterator[Conversation]:
    """Read a file in a process of its own, which ends with the block.

    Raises:
        WrongInputError: the file cannot be read, or reading took more than it may; also while the
            rows are asked for.
    """
    command = (*COMMAND, json.dumps(asdict(request)))
    # only what is ours is started; what it says of itself goes nowhere but here
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        lines = _lines(process, process.stdout, request)
        first = next(lines)["found"]
        found = Conversation(
            first["format"], first["why"], first["columns"], first["size"], rows=iter(())
        )
        found.rows = _rows(lines, found)
        yield found
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _rows(lines: Iterator[dict[str, Any]], into: Conversation) -> Iterator[Said]:
    for line in lines:
        if "done" in line:
            into.notes += line["done"]
            return
        if "note" in line:
            into.notes.append(line["note"])
            continue
        record = records.from_json(line["record"]) if "record" in line else None
        yield Said(line["line"], line["end"], record, line.get("problem", ""))


def _lines(
    process: subprocess.Popen[bytes], stream: IO[bytes], request: Request
) -> Iterator[dict[str, Any]]:
    """What the process says, until it is done.

    Raises:
        WrongInputError: it failed, or ended before it was done.
    """
    while line := stream.readline(_LONGEST_LINE):
        said: dict[str, Any] = json.loads(line)
        if "failed" in said:
            what, next_step = said["failed"]
            raise (
                _broken(request, "memory") if what == "memory" else WrongInputError(what, next_step)
            )
        yield said
        if "done" in said:
            return
    code = process.wait()
    raise _broken(request, "time" if -code == signal.SIGXCPU else "memory", code)


def _broken(request: Request, lacks: str, code: int = 0) -> WrongInputError:
    if lacks == "time":
        what = f"Reading {request.path} took more computing time than a file of its size may."
    elif code in (0, 1, -signal.SIGABRT, -signal.SIGKILL):
        what = (
            f"Reading {request.path} took more than {request.memory / 1024**3:.3g} GiB of memory:"
            " it holds far more than its size says, or single values that are too large."
        )
    else:
        what = f"Reading {request.path} broke off (exit {code}): the file is damaged or hostile."
    return WrongInputError(what, "Get the file again, or split it. What was read before is kept.")
