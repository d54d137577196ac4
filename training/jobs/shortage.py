"""When memory or disk run out: seen in whatever the libraries raise for it, and told in words.

A run that fails so is not tried again: it would end the same. What it saved before stays, so that
the checkpoint is there when there is room.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

# the classes of torch and safetensors, which must not be imported here, by what they say
_FULL = ("no space left on device", "disk quota exceeded", "file too large")
# torch's archive writer does not say why it could not write
_WRITER = ("pytorchstreamwriter failed", "unexpected pos ")
_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "cublas_status_alloc_failed",
)


def told(error: BaseException) -> tuple[str, str] | None:
    """What ran out and what to do, as two sentences; None when it was something else."""
    if is_full_disk(error):
        return (
            f"The disk is full: the run could not write ({first_line(error)}).",
            "Make room and start again. What the run saved before is whole and stays in its job.",
        )
    if is_out_of_memory(error):
        return (
            f"The device ran out of memory ({first_line(error)}).",
            "Lower batch_size, max_pixels or max_context_length and start again.",
        )
    return None


def is_full_disk(error: BaseException) -> bool:
    """Whether a write failed for want of room: the disk, a quota or a limit on a file's size."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    chain = list(_chain(error))
    if any(isinstance(one, OSError) and one.errno in full for one in chain):
        return True
    return any(word in str(one).lower() for one in chain for word in (*_FULL, *_WRITER))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the device or the machine: a smaller batch may fit then. Also seen
    behind what was raised because of it."""
    chain = list(_chain(error))
    if any(isinstance(one, MemoryError) for one in chain):
        return True
    if any(type(one).__name__ == "OutOfMemoryError" for one in chain):
        return True
    # other errors of torch are plain RuntimeErrors
    said = [str(one).lower() for one in chain if isinstance(one, RuntimeError)]
    return any(word in text for text in said for word in _MEMORY)


def make_room(error: BaseException, checkpoints: Path) -> None:
    """On a full disk remove the checkpoint that was being written: there must be room for a few
    words about why the run ended."""
    if is_full_disk(error):
        for partial in checkpoints.glob("*.partial"):
            shutil.rmtree(partial, ignore_errors=True)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def first_line(error: BaseException) -> str:
    """What it says in at most 300 characters; the name of its class where it says nothing."""
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
