"""The `trl` format: Parquet as stock TRL's DPOTrainer reads it, pictures within.

`prompt`, `chosen`, `rejected` are message lists, `images` a list of the `Image` feature of the
`datasets` library, so that `load_dataset` opens the pictures. The schema says so in its metadata,
as that library writes it. Without any picture there is no column `images`: TRL takes a dataset
that has one for pictures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
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

ReadMedia = Callable[[str], bytes]


def write(rows: Sequence[DatasetRow], read: ReadMedia, path: Path, *, with_images: bool) -> None:
    """Write rows in their order; `read` gives the bytes of a picture by its media id.

    Raises:
        NotFoundError: the bytes of a picture are missing.
    """
    schema = _schema(with_images)
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
    return {**record, "pair_id": row.pair_id, "category": row.prompt.category}


def _schema(with_images: bool) -> pa.Schema:
    columns: list[tuple[str, Any, Any]] = [
        *((name, _MESSAGES, _TURNS) for name in ("prompt", "chosen", "rejected")),
        *([("images", _IMAGES, _PICTURES)] if with_images else []),
        ("pair_id", pa.string(), _TEXT),
        ("category", pa.string(), _TEXT),
    ]
    features = {name: feature for name, _, feature in columns}
    said = json.dumps({"info": {"features": features}})
    return pa.schema([(name, kind) for name, kind, _ in columns], metadata={"huggingface": said})


def _slices(rows: Sequence[DatasetRow]) -> Iterator[list[DatasetRow]]:
    left = iter(rows)
    while some := list(islice(left, _SLICE)):
        yield some
