"""The formats we read, and which one a file is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.errors import WrongInputError
from storage.imports import argilla, battles, columns, label_studio, mapped, preferences, scale
from storage.imports.columns import Columns
from storage.imports.forms import Format, Sample, keys_of

AUTO, SWIFT = "auto", "swift"
# fields of a row that a format reads by itself
_OWN_OF_TABLES = ("chosen", "rejected", "winner", "id", "annotator", "note")

FORMATS: Mapping[str, Format] = {
    made.name: made
    for module in (label_studio, argilla, scale, battles, preferences, mapped)
    for made in module.FORMATS
}
NAMES = (AUTO, SWIFT, *FORMATS)


@dataclass(frozen=True)
class Found:
    """A format and why it was taken."""

    form: Format
    why: str
    columns: Columns


def find(
    rows: Sample, asked: str, told: Mapping[str, str], winner_values: tuple[str, ...] = ()
) -> Found:
    """The format of some rows.

    Args:
        rows: the first good rows of the file.
        asked: a name of `FORMATS`, or `auto`.
        told: field -> column, by the user.

    Raises:
        WrongInputError: none fits, or several do, or a column that is needed is missing.
    """
    if asked == AUTO:
        form, why = _recognised(rows, told)
    else:
        form, why = FORMATS[asked], "asked for"
    return Found(form, why, _columns(form, rows, told, winner_values))


def _recognised(rows: Sample, told: Mapping[str, str]) -> tuple[Format, str]:
    fitting = [
        (form, why)
        for form in FORMATS.values()
        if form.name != mapped.NAME and (why := _fits(form, rows))
    ]
    if told:
        # columns are named for a table, or for what such a format leaves open
        fitting = [each for each in fitting if each[0].columns is not None]
    if len(fitting) > 1:
        choices = "; ".join(f"{form.name}: {why}" for form, why in fitting)
        raise WrongInputError(
            f"The file could be in several formats: {choices}.", "Say which with --format NAME."
        )
    if fitting:
        return fitting[0]
    table = FORMATS[mapped.NAME]
    if told:
        return table, "columns are named with --map"
    if why := table.recognise(rows):
        return table, why
    raise WrongInputError(
        f"No format fits these records. Their keys: {', '.join(keys_of(rows))[:300]}.",
        "Name the columns (--map prompt=COLUMN --map chosen=COLUMN --map rejected=COLUMN), or the "
        f"format (--format {'|'.join(NAMES[1:])}).",
    )


def _fits(form: Format, rows: Sample) -> str:
    """Why most of the rows are in a format; a stray row is rejected later, with its reason."""
    if why := form.recognise(rows):
        return why
    fitting = [row for row in rows if form.recognise([row])]
    if 2 * len(fitting) <= len(rows):
        return ""
    return f"{form.recognise(fitting)} ({len(fitting)} of the first {len(rows)})"


def _columns(
    form: Format, rows: Sample, told: Mapping[str, str], winner_values: tuple[str, ...]
) -> Columns:
    if form.columns is None:
        if told:
            raise WrongInputError(
                f"The format {form.name} has no columns to name.", "Leave --map out."
            )
        return Columns({})
    own = () if form.name == mapped.NAME else _OWN_OF_TABLES
    wanted = [name for name in columns.FIELDS if name not in own]
    there = form.columns(rows)
    found = columns.find(there, told, winner_values, wanted)
    groups = [set(group) for group in form.needs]
    if groups and not any(group <= found.of.keys() for group in groups):
        needed = " or ".join(", ".join(group) for group in form.needs)
        raise WrongInputError(
            f"No columns were found for {needed}. There are: {', '.join(there)[:300]}.",
            "Name them with --map FIELD=COLUMN.",
        )
    return found
