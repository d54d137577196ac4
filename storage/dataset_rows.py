"""The rows of a dataset version: their digest and their Parquet file.

The columns are those that TRL reads (`prompt`, `chosen`, `rejected`, `images`) and our own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

import numpy as np
import polars
import pyarrow as pa
import pyarrow.dataset as pd
import pyarrow.parquet as pq

from storage import dataset_table
from storage.dataset_table import SCHEMA, DatasetTable
from storage.errors import DamagedError, WrongInputError
from storage.rows import DatasetRow

# rows that lie together in a file: one of them is found by reading so many
GROUP = 10_000
# rows that are spelled and compared in one go
_RUN = 2 * GROUP
# lines wait for others of their range in one of so many places, each with some room in memory
_RANGES = 64
_IN_MEMORY = 2**20
_UNREADABLE = (
    *(OSError, ValueError, TypeError, LookupError),
    *(pa.ArrowException, polars.exceptions.PolarsError, WrongInputError),
)


def digest(rows: Sequence[DatasetRow]) -> str:
    """SHA-256 over the sorted canonical rows: the same rows in any order, on any machine.

    Lines of many rows wait in temporary files, so that the memory does not grow with them."""
    return _digest(dataset_table.of_rows(rows).frame.iter_slices(_RUN))


def digest_of_file(path: Path) -> str:
    """The digest of the rows of a file, read part by part.

    Raises:
        DamagedError: the file is missing, or no Parquet file with these columns.
    """
    with explained(path):
        return _digest(part.frame for part in _parts(path))


def write_parquet(rows: Sequence[DatasetRow], path: Path) -> None:
    """Write the rows in their order."""
    table = dataset_table.of_rows(rows)
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for start in range(0, len(table), _RUN):
            writer.write_table(table.arrow(start, _RUN), row_group_size=GROUP)


def holds(path: Path, rows: DatasetTable) -> bool:
    """Whether a file has just these rows, in their order.

    Raises:
        DamagedError: the file is missing, or no Parquet file with these columns.
    """
    start = 0
    with explained(path), pq.ParquetFile(path) as file:
        for there in file.iter_batches(_RUN):
            wanted = rows.arrow(start, len(there))
            if not pa.Table.from_batches([there]).cast(SCHEMA).equals(wanted):
                return False
            start += len(there)
    return start == len(rows)


def read_parquet(path: Path) -> list[DatasetRow]:
    """The rows of a file in their order.

    Raises:
        DamagedError: the file is missing, or no Parquet file with these columns.
    """
    with explained(path):
        records = pq.read_table(path, schema=SCHEMA).to_pylist()
        rows = [dataset_table.row_of(record) for record in records]
        for record, row in zip(records, rows, strict=True):
            if dataset_table.record_of(row) != record:
                raise ValueError(f"the columns of pair {row.pair_id} contradict each other")
        return rows


def read_table(path: Path) -> DatasetTable:
    """The rows of a file in columns, in their order.

    Raises:
        DamagedError: the file is missing, or no Parquet file with these columns.
    """
    with explained(path):
        return dataset_table.of_arrow(pq.read_table(path, schema=SCHEMA))


def split_of(path: Path, pair_id: str) -> str:
    """In which split of a file a pair is, empty when it is in none. Reads two columns.

    Raises:
        DamagedError: the file is missing, or no Parquet file with these columns.
    """
    with explained(path):
        found = pq.read_table(path, columns=["split"], filters=[("pair_id", "=", pair_id)])
        return str(found["split"][0]) if len(found) else ""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say of a file that cannot be read what to do about it.

    Raises:
        DamagedError: reading it failed.
    """
    try:
        yield
    except _UNREADABLE as problem:
        raise DamagedError(
            f"The dataset file {path} cannot be read: {str(problem)[:200]}.",
            "Build the dataset version again, or restore the file from a backup.",
        ) from problem


def _parts(path: Path) -> Iterator[DatasetTable]:
    found = pd.dataset(path, schema=SCHEMA, format="parquet")
    for part in found.to_batches(batch_size=_RUN, batch_readahead=1, fragment_readahead=1):
        yield dataset_table.of_arrow(pa.Table.from_batches([part], SCHEMA))


def _digest(parts: Iterable[polars.DataFrame]) -> str:
    """Every place has the lines of one range, so that the places one after the other, each sorted,
    are all lines in order. Even the order of lines in UTF-8 is that of the texts."""
    total = hashlib.sha256()
    with ExitStack() as opened:
        places = [opened.enter_context(SpooledTemporaryFile(_IN_MEMORY)) for _ in range(_RANGES)]
        bounds: polars.Series | None = None
        for part in parts:
            lines = DatasetTable(part).lines("\n").sort()
            if lines.is_empty():
                continue
            if bounds is None:
                # rows mostly come by hashes, so that some of them are like all of them
                bounds = lines.gather_every(1 + len(lines) // _RANGES)[1:]
            _lay(lines, bounds, places)
        for place in places:
            place.seek(0)
            # what a text ends its lines with is escaped
            total.update(b"".join(sorted(place.read().splitlines(keepends=True))))
    return total.hexdigest()


def _lay(lines: polars.Series, bounds: polars.Series, places: Sequence[IO[bytes]]) -> None:
    """Write sorted lines to the places of their ranges."""
    written = pa.array(lines.to_arrow(), pa.large_string())
    _, ends, data = written.buffers()
    at = np.frombuffer(ends, np.int64)
    cuts = [0, *lines.search_sorted(bounds, "left").to_list(), len(lines)]
    for place, (start, stop) in zip(places, pairwise(cuts), strict=False):
        place.write(memoryview(data)[at[start] : at[stop]])
