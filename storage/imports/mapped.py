"""Any table by its columns: two answers with a winner, or a chosen and a rejected one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from storage.errors import WrongInputError
from storage.imports import columns, forms
from storage.imports.columns import Columns
from storage.imports.forms import Format, Reading, Sample
from storage.imports.records import FIRST, Opinion, Record

NAME = "columns"
CHOSEN = ("prompt", "chosen", "rejected")
SIDES = ("prompt", "response_a", "response_b")


def recognise(rows: Sample) -> str:
    """Why the columns say enough: only asked when no other format fits."""
    try:
        found = columns.find(forms.keys_of(rows), {})
    except WrongInputError:
        return ""
    for needed in (CHOSEN, SIDES):
        if set(needed) <= found.of.keys():
            return f"the columns say which are {', '.join(needed[:-1])} and {needed[-1]}"
    return ""


def records(row: Mapping[str, Any], reading: Reading) -> Iterator[Record]:
    """The pair of one row."""
    named = reading.columns
    by_choice = {"chosen", "rejected"} <= named.of.keys()
    sides = ("chosen", "rejected") if by_choice else ("response_a", "response_b")
    answers = tuple(named.text(row, side) for side in sides)
    for side, answer in zip(sides, answers, strict=True):
        if not answer:
            raise WrongInputError(f"{named.of[side]!r} is empty or missing.")
    yield Record(
        messages=named.messages(row),
        answers=(answers[0], answers[1]),
        opinions=_opinions(row, named, FIRST if by_choice else "", reading),
        record_id=named.text(row, "id"),
        category=columns.category(named.value(row, "category")),
    )


def _opinions(
    row: Mapping[str, Any], named: Columns, choice: str, reading: Reading
) -> tuple[Opinion, ...]:
    if not choice:
        said = named.value(row, "winner")
        if said is None or not str(said).strip():
            reading.notes["Rows without a winner"] += 1
            return ()
        choice = named.choice(said)
    who = named.text(row, "annotator").strip()
    return (Opinion(f"file:{who}" if who else "", choice, named.text(row, "note")),)


FORMATS = (
    Format(
        NAME,
        "any CSV, JSON or Parquet with a column per field, named by --map",
        recognise,
        records,
        forms.keys_of,
        (CHOSEN, SIDES),
        judges=True,
    ),
)
