"""How annotators chose: verdicts, sides, times, and which answers were longer or laid out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import polars
from sqlalchemy import ColumnElement, Integer, cast, func, or_, select

from storage import frames, tables
from storage.analytics.coded import Coded
from storage.analytics.view import View
from storage.ledger import Connection
from storage.rows import AssignmentKind

# what was offered like any other pair; repeats and qualification rounds have figures of their own
_KINDS = [AssignmentKind.NORMAL.value, AssignmentKind.GOLD.value]
_NUMBERS = ("words", "length", "laid_out")
# what people see as laid out: lists, headings, code, bold words, tables
_MARKS = ("%\n- %", "%\n* %", "%\n1. %", "%\n#%", "%```%", "%**%", "%\n|%")


def choices(view: View, batch_id: str = "") -> polars.DataFrame:
    """Votes and skips that were not undone, of one batch or of all, the oldest first.

    Columns: `annotator`, `pair` (its number), `category`, `verdict`, `left` (`a` or `b`, the answer
    that was shown on the left), `active_ms` (milliseconds in sight) and `counted` (false for what
    is excluded).
    """
    known = view.coded
    votes = known.votes.with_columns(counted=polars.Series(known.counts))
    offered = known.named(votes.filter(polars.col("kind").is_in(_KINDS)), batch_id)
    category = known.pairs["category"].gather(offered["pair"])
    names = ("annotator", "pair", "verdict", "left", "active_ms", "counted")
    return offered.select(*names, category.alias("category"))


def answers(db: Connection, known: Coded) -> polars.DataFrame:
    """What one sees of every pair before reading, by its number.

    Columns: `words` (of prompt and answers), `length_a`, `length_b` (characters), `laid_out_a` and
    `laid_out_b` (whether an answer has lists, headings, code, bold words or a table). Depends on
    the pairs only: see `View.mark_of_pairs`.
    """
    # millions of ids would fill the memory, so that they are read as hashes: once in many times
    # two are the same, and then they are read as other hashes
    seed = 0
    while (found := _answers(db, known.pairs["pair_id"], seed)) is None:
        seed += 1
    return found


def _answers(db: Connection, pair_ids: polars.Series, seed: int) -> polars.DataFrame | None:
    """None where two ids have the same hash."""
    pair, prompt, answer = tables.pairs.c, tables.prompts.c, tables.responses.c
    laid_out = cast(or_(*(answer.text.like(mark) for mark in _MARKS)), Integer)
    seen = {"words": _spaces(answer.text), "length": func.length(answer.text), "laid_out": laid_out}
    texts = _read(db, seed, {"answer": answer.id, **seen})
    asked = _read(db, seed, {"prompt": prompt.id, "words": _spaces(prompt.text)})
    pairs = _read(db, seed, {"pair": pair.id, "prompt": pair.prompt_id, **_sides(pair)})
    ordered = pair_ids.hash(seed).alias("pair").to_frame()
    named = (texts["answer"], asked["prompt"], pairs["pair"], ordered["pair"])
    if not all(ids.is_unique().all() for ids in named):
        return None
    found = ordered.join(pairs, on="pair", how="left", maintain_order="left")
    found = found.join(asked, on="prompt", how="left", maintain_order="left")
    for side in ("a", "b"):
        names = {name: f"{name}_{side}" for name in texts.columns}
        given = texts.rename(names)
        found = found.join(given, on=f"answer_{side}", how="left", maintain_order="left")
    words = polars.sum_horizontal("words", "words_a", "words_b") + 1
    laid = polars.col("laid_out_a", "laid_out_b").cast(polars.Boolean)
    return found.select(words.alias("words"), "length_a", "length_b", laid)


def _sides(pair: Any) -> dict[str, ColumnElement[Any]]:
    return {"answer_a": pair.response_a, "answer_b": pair.response_b}


def _spaces(text: ColumnElement[Any]) -> ColumnElement[int]:
    return func.length(text) - func.length(func.replace(text, " ", ""))


def _read(db: Connection, seed: int, named: Mapping[str, ColumnElement[Any]]) -> polars.DataFrame:
    """A table from end to end, ids as hashes; to look up each row of millions takes longer."""
    kinds = {name: polars.Int32 if name in _NUMBERS else polars.String for name in named}
    ids, numbers = polars.col(polars.String).hash(seed), polars.exclude(polars.String)
    parts = frames.parts(db, select(*named.values()), kinds)
    every = itertools.chain([polars.DataFrame(schema=kinds)], parts)
    return polars.concat([part.select(ids, numbers) for part in every])
