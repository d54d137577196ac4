"""How an import read a file, in sentences: its format, its columns, what its decisions became."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.errors import WrongInputError
from storage.imports import catalogue
from storage.imports.importing import How
from storage.imports.tally import LABELS
from storage.rows import ImportReport

_LABELS = "what is preferred becomes imported labels"


@dataclass(frozen=True)
class Reading:
    """What a form says, before it is understood: a mistake in it is explained on checking.

    Attributes:
        columns: `FIELD=COLUMN`, separated by commas.
        winner_values: two, separated by a comma.
    """

    format: str = catalogue.AUTO
    columns: str = ""
    winner_values: str = ""
    taken_as: str = LABELS

    def how(self) -> How:
        """The same as an import takes it.

        Raises:
            WrongInputError: a column is not named as FIELD=COLUMN.
        """
        told = [each for each in self.columns.split(",") if each.strip()]
        return How(self.format, columns(told), winner_values(self.winner_values), self.taken_as)


def sentences(report: ImportReport, dry_run: bool) -> list[str]:
    """What was taken for what, and why."""
    lines = [f"Format {report.format}: {report.why}."]
    if report.columns:
        columns = ", ".join(f"{field} = {name}" for field, name in report.columns.items())
        lines.append(f"Columns: {columns}.")
    said = _counted(report.decisions)
    if said and report.taken_as == "labels":
        lines.append(f"Decisions: {said}; {_LABELS}.")
    elif said:
        would = "would become" if dry_run else "became"
        votes = _counted(report.votes)
        lines.append(f"Decisions: {said}; they {would} votes of foreign annotators ({votes}).")
    return lines


def columns(told: list[str]) -> dict[str, str]:
    """Field -> column, from `FIELD=COLUMN` each.

    Raises:
        WrongInputError: one says nothing, or a field is named twice.
    """
    found: dict[str, str] = {}
    for each in told:
        field, equals, column = (part.strip() for part in each.partition("="))
        if not (equals and field and column) or field in found:
            raise WrongInputError(
                f"{each[:80]!r} does not name a column.", "Write FIELD=COLUMN, each field once."
            )
        found[field] = column
    return found


def winner_values(said: str) -> tuple[str, ...]:
    """Two values, separated by a comma; none when nothing is said."""
    return tuple(value.strip() for value in said.split(",")) if said.strip() else ()


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
