"""How annotators chose: verdicts, sides, times, and which answers were longer or laid out."""

from __future__ import annotations

import polars
from sqlalchemy import func, or_, select

from storage import tables
from storage.analytics.view import View
from storage.exclusions import Exclusions
from storage.ledger import Connection
from storage.rows import AssignmentKind

# what was offered like any other pair; repeats and qualification rounds have figures of their own
_KINDS = [AssignmentKind.NORMAL.value, AssignmentKind.GOLD.value]
# votes and undos of an assignment take turns: an undo takes back the event before it
_CHOICES = """
    SELECT v.assignment_id, v.batch_id, v.annotator, v.pair_id, p.category, v.verdict, v."left",
        v.active_ms, len(string_split(p.words, ' ')) AS words
    FROM (SELECT * FROM {votes} WHERE kind = 'vote' AND list_contains($kinds, assignment_kind)
          AND ($batch = '' OR batch_id = $batch)) v
    ANTI JOIN (SELECT assignment_id, sequence FROM {votes} WHERE kind = 'undo') u
        ON u.assignment_id = v.assignment_id AND u.sequence = v.sequence + 1
    JOIN {pairs} p ON p.pair_id = v.pair_id
"""
# what people see as laid out: lists, headings, code, bold words, tables
_MARKS = ("%\n- %", "%\n* %", "%\n1. %", "%\n#%", "%```%", "%**%", "%\n|%")


def choices(view: View, batch_id: str = "") -> polars.DataFrame:
    """Votes and skips that were not undone, of one batch or of all, one row each.

    Columns: `annotator`, `pair_id`, `category`, `verdict`, `left` (`a` or `b`, the answer that was
    shown on the left), `active_ms` (milliseconds in sight), `words` (of prompt and answers) and
    `counted` (false for what is excluded).
    """
    found = view.query(_CHOICES, {"kinds": _KINDS, "batch": batch_id})
    counted = _counted(view.coded.exclusions).alias("counted")
    return found.with_columns(counted).drop("assignment_id", "batch_id")


def _counted(left_out: Exclusions) -> polars.Expr:
    """Whether a row counts, by its `annotator`, `batch_id` and `assignment_id`."""
    who, batch = polars.col("annotator"), polars.col("batch_id")
    is_out = who.is_in(sorted(left_out.everywhere))
    is_out |= polars.col("assignment_id").is_in(sorted(left_out.single))
    for there, name in left_out.in_batches:
        is_out |= (batch == there) & (who == name)
    return ~is_out


def answers(db: Connection) -> polars.DataFrame:
    """Every pair's answers as one sees them before reading.

    Columns: `pair_id`, `length_a`, `length_b` (characters), `laid_out_a` and `laid_out_b` (whether
    an answer has lists, headings, code, bold words or a table).
    """
    pair = tables.pairs
    one, other = tables.responses.alias("answer_a"), tables.responses.alias("answer_b")
    marked = {
        side: or_(*(answer.c.text.like(mark) for mark in _MARKS))
        for side, answer in (("a", one), ("b", other))
    }
    query = (
        select(
            pair.c.id,
            func.length(one.c.text),
            func.length(other.c.text),
            marked["a"],
            marked["b"],
        )
        .join(one, one.c.id == pair.c.response_a)
        .join(other, other.c.id == pair.c.response_b)
    )
    rows = [(*row[:3], bool(row[3]), bool(row[4])) for row in db.execute(query)]
    schema = {
        "pair_id": polars.String,
        "length_a": polars.Int64,
        "length_b": polars.Int64,
        "laid_out_a": polars.Boolean,
        "laid_out_b": polars.Boolean,
    }
    return polars.DataFrame(rows, schema=schema, orient="row")
