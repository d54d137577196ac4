"""The words of many pairs as columns: what they ask and answer, without an object for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars
from sqlalchemy import Select, Text, bindparam, func, select, type_coerce
from sqlalchemy.engine import Connection

from storage import frames, tables

# SQLite takes a limited number of parameters in one statement
_CHUNK = 500
# beyond this share of all pairs, reading all of them costs less than looking each one up
_MOST = 0.3
_COLUMNS = ("pair_id", "category", "prompt", "text_a", "text_b")
_TEXTS = dict.fromkeys(_COLUMNS, polars.String)
_STORED = polars.List(
    polars.Struct(
        {
            "role": polars.String,
            "parts": polars.List(
                polars.Struct(
                    {"type": polars.String, "text": polars.String, "media": polars.String}
                )
            ),
        }
    )
)


def of_pairs(db: Connection, pair_ids: polars.Series) -> polars.DataFrame:
    """The content of these pairs, each once, in any order.

    Columns: `pair_id`, `category`, `prompt` (see `storage.dataset_table.MESSAGES`), `text_a` and
    `text_b`.
    """
    table = tables.pairs
    total = int(db.execute(select(func.count()).select_from(table)).scalar_one())
    if len(pair_ids) < _MOST * total:
        return _parsed(polars.concat([frames.of_rows([], _TEXTS), *_looked_up(db, pair_ids)]))
    return _joined(db, pair_ids)


def _looked_up(db: Connection, pair_ids: polars.Series) -> Iterator[polars.DataFrame]:
    query = _query().where(tables.pairs.c.id.in_(bindparam("ids", expanding=True)))
    for start in range(0, len(pair_ids), _CHUNK):
        chunk = pair_ids.slice(start, _CHUNK).to_list()
        yield frames.of_rows(db.execute(query, {"ids": chunk}).all(), _TEXTS)


def _joined(db: Connection, pair_ids: polars.Series) -> polars.DataFrame:
    """Joined here: to look each part up by its id takes the ledger twice as long as to read the
    tables from end to end."""
    pair, prompt, response = tables.pairs, tables.prompts, tables.responses
    wanted = polars.DataFrame({"pair_id": pair_ids})
    query = select(pair.c.id, pair.c.prompt_id, pair.c.response_a, pair.c.response_b)
    pairs = _read(db, query, "pair_id", "prompt_id", "a", "b")
    pairs = pairs.join(wanted, on="pair_id", how="semi")
    texts = _read(db, select(response.c.id, response.c.text), "id", "text")
    for side in ("a", "b"):
        texts.columns = [side, f"text_{side}"]
        pairs = pairs.join(texts, on=side).drop(side)
    del texts
    asked = select(prompt.c.id, prompt.c.category, type_coerce(prompt.c.messages, Text))
    prompts = _read(db, asked, "prompt_id", "category", "prompt")
    return _parsed(pairs.join(prompts, on="prompt_id").select(_COLUMNS))


def _read(db: Connection, query: Select[Any], *names: str) -> polars.DataFrame:
    """Columns of texts."""
    return frames.read(db, query, dict.fromkeys(names, polars.String))


def _query() -> Select[Any]:
    pair, prompt = tables.pairs, tables.prompts
    one, other = tables.responses.alias("answer_a"), tables.responses.alias("answer_b")
    # as the ledger has it: taking a million apart in Python would take most of the time
    messages = type_coerce(prompt.c.messages, Text)
    return (
        select(pair.c.id, prompt.c.category, messages, one.c.text, other.c.text)
        .join(prompt, prompt.c.id == pair.c.prompt_id)
        .join(one, one.c.id == pair.c.response_a)
        .join(other, other.c.id == pair.c.response_b)
    )


def _parsed(found: polars.DataFrame) -> polars.DataFrame:
    """With the messages as `MESSAGES`."""
    element = polars.element().struct
    message = polars.struct(element.field("role"), element.field("parts").alias("content"))
    return found.with_columns(polars.col("prompt").str.json_decode(_STORED).list.eval(message))
