"""Parquet and Arrow files as rows, a few at a time, so that no file decides how much memory it
takes. Only the process of `storage.imports.confined` loads this."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from storage.errors import WrongInputError
from storage.imports.rows import Row

# rows with pictures are large
_AT_ONCE = 16
# of one group of rows, as the file itself declares it
LARGEST_GROUP = 8 * 1024**3
MOST_COLUMNS = 1000
_DAMAGE = (pa.ArrowException, OSError, ValueError, OverflowError, NotImplementedError)


def rows(path: Path, kind: str) -> Iterator[Row]:
    """The rows of one file.

    Raises:
        WrongInputError: it is cut off or damaged, or declares more than can be read.
    """
    size = path.stat().st_size
    batches = _of_parquet(path) if kind == "parquet" else _of_arrow(path)
    number = 0
    for share, values in batches:
        for value in values:
            number += 1
            yield Row(number, value, end=int(share * size))


def _of_parquet(path: Path) -> Iterator[tuple[float, list[dict[str, Any]]]]:
    try:
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
            _check_declared(path, file)
            total, done = max(1, file.metadata.num_rows), 0
            for batch in file.iter_batches(batch_size=_AT_ONCE, use_threads=False):
                done += batch.num_rows
                yield done / total, batch.to_pylist()
    except pa.ArrowMemoryError:
        raise MemoryError from None
    except _DAMAGE as problem:
        raise _damaged(path, "Parquet", problem) from None


def _of_arrow(path: Path) -> Iterator[tuple[float, list[dict[str, Any]]]]:
    try:
        with path.open("rb") as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                share = file.tell() / max(1, path.stat().st_size)
                for start in range(0, batch.num_rows, _AT_ONCE):
                    yield share, batch.slice(start, _AT_ONCE).to_pylist()
    except pa.ArrowMemoryError:
        raise MemoryError from None
    except _DAMAGE as problem:
        raise _damaged(path, "Arrow", problem) from None


def _check_declared(path: Path, file: pq.ParquetFile) -> None:
    meta = file.metadata
    if meta.num_columns > MOST_COLUMNS:
        raise WrongInputError(
            f"{path.name} has {meta.num_columns} columns; {MOST_COLUMNS} are the most.",
            "Keep the columns that matter.",
        )
    largest = max(
        (meta.row_group(n).total_byte_size for n in range(meta.num_row_groups)), default=0
    )
    if largest > LARGEST_GROUP:
        raise WrongInputError(
            f"{path.name} unpacks to {largest / 1024**3:.0f} GiB at a time; "
            f"{LARGEST_GROUP // 1024**3} GiB are the most.",
            "Write it again with smaller groups of rows.",
        )


def _damaged(path: Path, kind: str, problem: Exception) -> WrongInputError:
    reason = str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__
    return WrongInputError(
        f"{path.name} cannot be read as {kind}: it is cut off or damaged ({reason}).",
        "Get the file again.",
    )
