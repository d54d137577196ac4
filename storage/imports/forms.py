"""What a foreign format is to the rest: how it is recognised, and how a row becomes records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.errors import WrongInputError
from storage.imports.columns import Columns
from storage.imports.records import Record

Sample = Sequence[Mapping[str, Any]]


@dataclass
class Reading:
    """One file being read.

    Attributes:
        columns: what the user's and the usual names say.
        notes: sentence -> how many rows it is about.
    """

    columns: Columns = field(default_factory=lambda: Columns({}))
    notes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: as `--format` takes it.
        meaning: what its rows hold, in one line.
        recognise: why the first rows are in this format, empty when they are not.
        records: the records of one row; raises WrongInputError for a row that cannot be used.
        columns: names that `--map` may use, given the first rows; none when nothing is mapped.
        needs: groups of fields that must have a column, all of one group.
        judges: the format can say who preferred what.
    """

    name: str
    meaning: str
    recognise: Callable[[Sample], str]
    records: Callable[[Mapping[str, Any], Reading], Iterator[Record]]
    columns: Callable[[Sample], Sequence[str]] | None = None
    needs: Sequence[Sequence[str]] = ()
    judges: bool = False


def keys_of(rows: Sample) -> list[str]:
    """Every key of some rows, in the order in which they come."""
    return list(dict.fromkeys(key for row in rows for key in row))


def micros(value: Any) -> int:
    """A time as microseconds since 1970, 0 when it is missing or none."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int | float) and 0 <= value < 2**33:
        return int(value * 1_000_000)
    if isinstance(value, str):
        try:
            return max(0, int(datetime.fromisoformat(value).timestamp() * 1_000_000))
        except (ValueError, OverflowError, OSError):
            return 0
    return 0


def millis(seconds: Any) -> int:
    """Seconds as milliseconds, 0 when missing, negative or beyond a year."""
    if isinstance(seconds, str):
        try:
            seconds = float(seconds)
        except ValueError:
            return 0
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return 0
    return int(seconds * 1000) if 0 <= seconds < 366 * 86400 else 0


def as_id(value: Any) -> str:
    """An id as text, empty when missing.

    Raises:
        WrongInputError: it is neither a text nor a whole number.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WrongInputError("The id is no text and no whole number.")
    return str(value)
