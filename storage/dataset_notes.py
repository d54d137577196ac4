"""What people wrote about dataset versions: of the notes on a version the last one stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import numbered, tables
from storage.errors import WrongInputError

LONGEST = 4000
_table = tables.dataset_notes
# any text will do: the text of a note may be empty, where a reason may not
_NO_REASON = "note"


@dataclass(frozen=True)
class DatasetNote:
    """One event: what the note on a version was from then on. `created_at` in microseconds."""

    number: int
    dataset_version: str
    text: str
    actor: str
    created_at: int


def write(tx: Connection, version_id: str, text: str, *, actor: str) -> DatasetNote | None:
    """Make this the note on a version; an empty text takes it away. The same again adds nothing.

    Returns:
        The note that stands, None where there never was one.

    Raises:
        WrongInputError: the text or the actor cannot be kept.
    """
    numbered.check_words(actor, _NO_REASON)
    text = text.strip()
    if len(text) > LONGEST or "\0" in text:
        raise WrongInputError(
            f"The note has {len(text)} characters.", f"Write up to {LONGEST}, without NUL."
        )
    there = last(tx, version_id)
    if text == (there.text if there else ""):
        return there
    row = {"dataset_version": version_id, "text": text, "actor": actor}
    numbered.append(tx, _table, row)
    return last(tx, version_id)


def last(db: Connection, version_id: str) -> DatasetNote | None:
    """The note on a version, its text empty where it was taken away; None without one."""
    found = history(db, version_id)
    return found[0] if found else None


def history(db: Connection, version_id: str) -> list[DatasetNote]:
    """All notes on a version, the newest first."""
    query = select(_table).where(_table.c.dataset_version == version_id)
    rows = db.execute(query.order_by(_table.c.number.desc()))
    return [DatasetNote(**row._mapping) for row in rows]


def standing(db: Connection) -> Mapping[str, str]:
    """Version -> the text of its note, where there is one."""
    query = select(_table.c.dataset_version, _table.c.text).order_by(_table.c.number)
    found = {row.dataset_version: row.text for row in db.execute(query)}
    return {version: text for version, text in found.items() if text}
