"""Rows of a dataset version as columns: a million of them are sorted, split, hashed and written
without an object for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import polars
import pyarrow

from storage import identity, prompts
from storage.rows import DatasetRow, Part, Prompt, Turn

_PART = pyarrow.struct(
    [("type", pyarrow.string()), ("text", pyarrow.string()), ("media", pyarrow.string())]
)
_MESSAGES = pyarrow.list_(
    pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.list_(_PART))])
)
SCHEMA = pyarrow.schema(
    [
        ("prompt", _MESSAGES),
        ("chosen", _MESSAGES),
        ("rejected", _MESSAGES),
        ("images", pyarrow.list_(pyarrow.string())),
        ("videos", pyarrow.list_(pyarrow.string())),
        ("pair_id", pyarrow.string()),
        ("category", pyarrow.string()),
        ("split", pyarrow.string()),
        ("labels", pyarrow.string()),
        ("votes", pyarrow.int64()),
        ("confidence", pyarrow.float64()),
        ("record_id", pyarrow.string()),
    ]
)
MESSAGES = polars.List(
    polars.Struct(
        {
            "role": polars.String,
            "content": polars.List(
                polars.Struct(
                    {"type": polars.String, "text": polars.String, "media": polars.String}
                )
            ),
        }
    )
)
# how many rows are looked at in one go where each needs more room than in the table
SLICE = 50_000


class DatasetTable(Sequence[DatasetRow]):
    """Rows in columns, read as a sequence of rows.

    Attributes:
        frame: columns `SCHEMA`.
    """

    def __init__(self, frame: polars.DataFrame) -> None:
        self.frame = frame

    def __len__(self) -> int:
        return self.frame.height

    def __iter__(self) -> Iterator[DatasetRow]:
        return (row_of(record) for record in self.frame.iter_rows(named=True))

    @overload
    def __getitem__(self, at: int) -> DatasetRow: ...
    @overload
    def __getitem__(self, at: slice) -> DatasetTable: ...
    def __getitem__(self, at: int | slice) -> DatasetRow | DatasetTable:
        if isinstance(at, slice):
            return DatasetTable(self.frame[at])
        return row_of(self.frame.row(at, named=True))

    @property
    def pair_ids(self) -> polars.Series:
        return self.frame["pair_id"]

    def by_pair(self) -> DatasetTable:
        """The rows by pair id."""
        if self.pair_ids.is_sorted():
            return self
        return DatasetTable(self.frame.sort("pair_id"))

    def placed(self, sides: Sequence[str]) -> DatasetTable:
        """The rows on these sides of the split."""
        split = polars.Series("split", sides, polars.String)
        return DatasetTable(self.frame.with_columns(split))

    def arrow(self, start: int, count: int) -> pyarrow.Table:
        """At most `count` rows from one on, with `SCHEMA`."""
        # taken one by one, not as a slice: of that, all that the table's lists hold is converted
        wanted = range(start, min(start + count, len(self)))
        part = self.frame.select(polars.all().gather(wanted))
        return part.to_arrow().cast(SCHEMA)

    def lines(self, end: str = "") -> polars.Series:
        """The canonical JSON of each row, see `storage.identity.canonical_json`, with `end` behind.

        Raises:
            ValueError: a confidence is no number.
        """
        parts = [_lines(part, end) for part in self.frame.iter_slices(SLICE)]
        return polars.concat([polars.Series("line", [], polars.String), *parts])


def of_rows(rows: Sequence[DatasetRow]) -> DatasetTable:
    """The columns of rows, in their order."""
    if isinstance(rows, DatasetTable):
        return rows
    records = pyarrow.Table.from_pylist([record_of(row) for row in rows], schema=SCHEMA)
    return of_arrow(records)


def of_arrow(table: pyarrow.Table) -> DatasetTable:
    """The columns of a table with `SCHEMA`."""
    found = polars.from_arrow(table)
    assert isinstance(found, polars.DataFrame)
    return DatasetTable(found)


def of_columns(found: polars.DataFrame) -> DatasetTable:
    """Rows to train on from columns `pair_id`, `category`, `prompt` (as `MESSAGES`), `chosen` and
    `rejected` (texts), `labels`, `votes`, `confidence` and `record_id`."""
    frame = found.with_columns(
        _media(found["prompt"], "image").alias("images"),
        _media(found["prompt"], "video").alias("videos"),
        chosen=_answer("chosen"),
        rejected=_answer("rejected"),
        split=polars.lit("train"),
        votes=polars.col("votes").cast(polars.Int64),
        confidence=polars.col("confidence").cast(polars.Float64),
    )
    return DatasetTable(frame.select(SCHEMA.names))


def media_of(messages: polars.Series) -> polars.Series:
    """The pictures and videos of each prompt, given as `MESSAGES`."""
    return _media(messages, "image", "video")


def asked_in(messages: polars.Series) -> polars.Series:
    """The words of the user turns of each prompt, given as `MESSAGES`."""
    turn = polars.element().struct
    asked = polars.element().filter(turn.field("role") == "user").struct.field("content")
    words = asked.explode().struct.field("text").drop_nulls()
    found = messages.alias("prompt").to_frame()
    return found.select(polars.col("prompt").list.eval(words).list.join(" ")).to_series()


def record_of(row: DatasetRow) -> dict[str, object]:
    """A row as Parquet and the digest see it."""
    return {
        "prompt": [_message(turn) for turn in row.prompt.turns],
        "chosen": [_message(Turn("assistant", (Part("text", text=row.chosen),)))],
        "rejected": [_message(Turn("assistant", (Part("text", text=row.rejected),)))],
        "images": _media_in(row.prompt, "image"),
        "videos": _media_in(row.prompt, "video"),
        "pair_id": row.pair_id,
        "category": row.prompt.category,
        "split": row.split,
        "labels": row.labels,
        "votes": int(row.votes),
        "confidence": float(row.confidence),
        "record_id": row.record_id,
    }


def row_of(record: dict[str, object]) -> DatasetRow:
    """The row that a record writes.

    Raises:
        TypeError, ValueError, IndexError, KeyError, WrongInputError: it is no record of a row.
    """
    values: dict[str, Any] = dict(record)
    turns = [
        Turn(
            message["role"],
            tuple(
                Part(part["type"], text=part["text"] or "", media=part["media"] or "")
                for part in message["content"]
            ),
        )
        for message in values["prompt"]
    ]
    return DatasetRow(
        pair_id=values["pair_id"],
        prompt=prompts.build(turns, values["category"]),
        chosen=values["chosen"][0]["content"][0]["text"],
        rejected=values["rejected"][0]["content"][0]["text"],
        labels=values["labels"],
        votes=values["votes"],
        confidence=values["confidence"],
        record_id=values["record_id"],
        split=values["split"],
    )


def _lines(frame: polars.DataFrame, end: str) -> polars.Series:
    """Keys in alphabetical order, without spaces. Numbers with a fraction are spelled by Python:
    Polars writes small ones in another way."""
    spelled = {
        value: identity.canonical_json(value).decode()
        for value in frame["confidence"].unique().to_list()
    }
    confidence = polars.col("confidence").replace_strict(
        list(spelled), list(spelled.values()), return_dtype=polars.String
    )
    head = polars.struct("category", _in_order("chosen")).struct.json_encode()
    tail = polars.struct(
        "images",
        "labels",
        "pair_id",
        _in_order("prompt"),
        "record_id",
        _in_order("rejected"),
        *("split", "videos", "votes"),
    ).struct.json_encode()
    line = polars.concat_str(
        head.str.strip_suffix("}"),
        polars.lit(',"confidence":'),
        confidence,
        polars.lit(","),
        tail.str.strip_prefix("{"),
        *([polars.lit(end)] if end else []),
    )
    return frame.select(line.alias("line")).to_series()


def _in_order(messages: str) -> polars.Expr:
    """Messages with the fields of each object in alphabetical order."""
    element = polars.element()
    part = polars.struct(*(element.struct.field(name) for name in ("media", "text", "type")))
    content = element.struct.field("content").list.eval(part)
    return polars.col(messages).list.eval(polars.struct(content, element.struct.field("role")))


def _answer(name: str) -> polars.Expr:
    """A text as the one message of an assistant."""
    nothing = polars.lit(None, polars.String)
    part = polars.struct(type=polars.lit("text"), text=polars.col(name), media=nothing, eager=False)
    message = polars.struct(
        role=polars.lit("assistant"), content=polars.concat_list(part), eager=False
    )
    return polars.concat_list(message)


def _media(messages: polars.Series, *kinds: str) -> polars.Series:
    """The media of some kinds in each prompt."""
    part = polars.element().struct.field("content").explode().struct
    media = part.field("media").filter(part.field("type").is_in(kinds))
    found = messages.alias("prompt").to_frame()
    return found.select(polars.col("prompt").list.eval(media)).to_series()


def _message(turn: Turn) -> dict[str, object]:
    return {"role": turn.role, "content": [_part(part) for part in turn.parts]}


def _part(part: Part) -> dict[str, str | None]:
    is_text = part.type == "text"
    return {
        "type": part.type,
        "text": part.text if is_text else None,
        "media": None if is_text else part.media,
    }


def _media_in(prompt: Prompt, kind: str) -> list[str]:
    return [part.media for turn in prompt.turns for part in turn.parts if part.type == kind]
