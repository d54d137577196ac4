"""How annotators chose: verdicts, sides, times, and which answers were longer or laid out."""

from __future__ import annotations

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
    pair, prompt, answer = tables.pairs.c, tables.prompts.c, tables.responses.c
    pairs = _read(db, {"pair_id": pair.id, "prompt": pair.prompt_id, **_sides(pair)})
    asked = _read(db, {"prompt": prompt.id, "words": _spaces(prompt.text)})
    laid_out = cast(or_(*(answer.text.like(mark) for mark in _MARKS)), Integer)
    seen = {"words": _spaces(answer.text), "length": func.length(answer.text), "laid_out": laid_out}
    texts = _read(db, {"answer": answer.id, **seen})
    found = pairs.join(asked, on="prompt").drop("prompt")
    for side in ("a", "b"):
        names = {name: f"{name}_{side}" for name in texts.columns}
        found = found.join(texts.rename(names), on=f"answer_{side}").drop(f"answer_{side}")
    words = polars.sum_horizontal("words", "words_a", "words_b") + 1
    ordered = known.pairs.select("pair_id").join(
        found.with_columns(words=words), on="pair_id", how="left", maintain_order="left"
    )
    shown = ("words", "length_a", "length_b", "laid_out_a", "laid_out_b")
    laid = polars.col("laid_out_a", "laid_out_b").cast(polars.Boolean)
    return ordered.select(shown).with_columns(laid)


def _sides(pair: Any) -> dict[str, ColumnElement[Any]]:
    return {"answer_a": pair.response_a, "answer_b": pair.response_b}


def _spaces(text: ColumnElement[Any]) -> ColumnElement[int]:
    return func.length(text) - func.length(func.replace(text, " ", ""))


def _read(db: Connection, named: Mapping[str, ColumnElement[Any]]) -> polars.DataFrame:
    """A table from end to end; to look up each row of millions takes longer."""
    kinds = {name: polars.Int32 if name in _NUMBERS else polars.String for name in named}
    return frames.read(db, select(*named.values()), kinds)
