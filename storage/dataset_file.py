"""The rows of a dataset version in their file: counted by column, and read a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars
import pyarrow as pa
import pyarrow.parquet as pq

from storage import dataset_rows, dataset_table
from storage.rows import DatasetRow

# kept in memory: a small number for each of a million rows, the names once
_SIDES = ("category", "split", "labels")


@dataclass(frozen=True, eq=False)
class DatasetFile:
    """A file whose digest is right.

    Attributes:
        sides: columns `category`, `split` and `labels` of all rows, in their order.
    """

    path: Path
    sides: polars.DataFrame

    def __len__(self) -> int:
        return self.sides.height

    def counts(self) -> polars.DataFrame:
        """How many rows have each combination: the columns of `sides`, and `len`."""
        return counted(self.sides)

    def places(self, categories: Sequence[str], split: str) -> polars.Series:
        """The numbers of the rows of some categories and a side; nothing stands for all of them."""
        is_wanted = polars.lit(value=True)
        if categories:
            is_wanted &= polars.col("category").cast(polars.String).is_in(list(categories))
        if split:
            is_wanted &= polars.col("split") == split
        return self.sides.with_row_index("row").filter(is_wanted)["row"]

    def rows(self, places: Sequence[int]) -> list[DatasetRow]:
        """The rows with these numbers, in the order asked for. Reads only what lies around them.

        Raises:
            DamagedError: the file was changed since its digest was looked at.
        """
        found: dict[int, DatasetRow] = {}
        with dataset_rows.explained(self.path), pq.ParquetFile(self.path) as file:
            first = 0
            for number in range(file.num_row_groups):
                height = file.metadata.row_group(number).num_rows
                here = [place for place in places if first <= place < first + height]
                if here:
                    group = file.read_row_group(number)
                    records = group.take(pa.array([place - first for place in here])).to_pylist()
                    found.update(zip(here, map(dataset_table.row_of, records), strict=True))
                first += height
        return [found[place] for place in places]

    def find(self, pair_id: str) -> DatasetRow | None:
        """The row of a pair.

        Raises:
            DamagedError: the file was changed since its digest was looked at.
        """
        with dataset_rows.explained(self.path):
            wanted = [("pair_id", "=", pair_id)]
            records = pq.read_table(self.path, filters=wanted).to_pylist()
        return dataset_table.row_of(records[0]) if records else None

    def pair_ids(self, split: str) -> list[str]:
        """The pairs on one side.

        Raises:
            DamagedError: the file was changed since its digest was looked at.
        """
        with dataset_rows.explained(self.path):
            found = pq.read_table(self.path, columns=["pair_id"], filters=[("split", "=", split)])
        ids: list[str] = found["pair_id"].to_pylist()
        return ids


def read(path: Path) -> DatasetFile:
    """The file, its small columns read.

    Raises:
        DamagedError: the file is missing, or no Parquet file with these columns.
    """
    with dataset_rows.explained(path), pq.ParquetFile(path) as file:
        parts = [_sides(batch) for batch in file.iter_batches(dataset_rows.GROUP, columns=_SIDES)]
    empty = polars.DataFrame(schema=dict.fromkeys(_SIDES, polars.Categorical))
    return DatasetFile(path, polars.concat([empty, *parts], rechunk=True))


def counted(rows: polars.DataFrame) -> polars.DataFrame:
    """How many rows have each combination of `category`, `split` and `labels`, which are columns of
    the result, beside `len`."""
    names = polars.col(_SIDES).cast(polars.String)
    return rows.select(names).group_by(_SIDES, maintain_order=True).len()


def _sides(batch: pa.RecordBatch) -> polars.DataFrame:
    found = polars.from_arrow(batch)
    assert isinstance(found, polars.DataFrame)
    return found.select(polars.col(_SIDES).cast(polars.Categorical))
