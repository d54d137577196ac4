"""The `trl` format: Parquet as stock TRL's DPOTrainer reads it, pictures within.

`prompt`, `chosen`, `rejected` are message lists, `images` a list of the `Image` feature of the
`datasets` library, so that `load_dataset` opens the pictures. The schema says so in its metadata,
as that library writes it. Without any picture there is no column `images`: TRL takes a dataset
that has one for pictures. With `whole` there are also the columns that TRL ignores and that make
the row whole: `storage.imports.published` reads it back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from storage.exports import messages
from storage.rows import DatasetRow

# pictures of this many rows are in memory at a time
_SLICE = 100
_PART = pa.struct([("type", pa.string()), ("text", pa.string())])
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(_PART))]))
_IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
_TEXT = {"dtype": "string", "_type": "Value"}
_TURNS = {
    "feature": {
        "role": _TEXT,
        "content": {"feature": {"type": _TEXT, "text": _TEXT}, "_type": "List"},
    },
    "_type": "List",
}
_PICTURES = {"feature": {"_type": "Image"}, "_type": "List"}

# what a row has beside what every trainer reads
OWN: Mapping[str, tuple[pa.DataType, str]] = {
    "labels": (pa.string(), "string"),
    "votes": (pa.int64(), "int64"),
    "confidence": (pa.float64(), "float64"),
    "record_id": (pa.string(), "string"),
}

ReadMedia = Callable[[str], bytes]


def write(
    rows: Sequence[DatasetRow],
    read: ReadMedia,
    path: Path,
    *,
    with_images: bool,
    whole: bool = False,
) -> None:
    """Write rows in their order; `read` gives the bytes of a picture by its media id.

    Args:
        whole: with the columns `OWN`; the side of the split is in no column.

    Raises:
        NotFoundError: the bytes of a picture are missing.
    """
    schema = _schema(with_images, whole)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for some in _slices(rows):
            records = [_record(row, read, with_images) for row in some]
            writer.write_table(pa.Table.from_pylist(records, schema=schema))


def _record(row: DatasetRow, read: ReadMedia, with_images: bool) -> dict[str, Any]:
    record = messages.as_messages(row)
    if with_images:
        record["images"] = [
            {"bytes": read(media_id), "path": f"{media_id}.png"} for media_id in row.prompt.media
        ]
    own = {name: getattr(row, name) for name in OWN}
    return {**record, "pair_id": row.pair_id, "category": row.prompt.category, **own}


def _schema(with_images: bool, whole: bool) -> pa.Schema:
    columns: list[tuple[str, Any, Any]] = [
        *((name, _MESSAGES, _TURNS) for name in ("prompt", "chosen", "rejected")),
        *([("images", _IMAGES, _PICTURES)] if with_images else []),
        ("pair_id", pa.string(), _TEXT),
        ("category", pa.string(), _TEXT),
        *(
            (name, kind, {"dtype": said, "_type": "Value"})
            for name, (kind, said) in (OWN.items() if whole else ())
        ),
    ]
    features = {name: feature for name, _, feature in columns}
    said = json.dumps({"info": {"features": features}})
    return pa.schema([(name, kind) for name, kind, _ in columns], metadata={"huggingface": said})


def _slices(rows: Sequence[DatasetRow]) -> Iterator[list[DatasetRow]]:
    left = iter(rows)
    while some := list(islice(left, _SLICE)):
        yield some
