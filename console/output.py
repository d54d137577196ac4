"""What a command prints: for people, or with --json as one JSON object on standard output.

Messages and progress always go to standard error, so that standard output is only the result.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# without a terminal nothing wraps: one row stays one line for grep and logs
_UNLIMITED = 10_000


@dataclass
class Output:
    """Where one command's words go. `as_json` is what --json says."""

    as_json: bool = False

    @cached_property
    def messages(self) -> Console:
        """Standard error, for rich progress and sentences."""
        return _console(stderr=True)

    @cached_property
    def _results(self) -> Console:
        return _console(stderr=False)

    def say(self, text: str) -> None:
        """A sentence for the person at the terminal, on standard error."""
        self.messages.print(text, soft_wrap=True)

    def show(self, result: Mapping[str, Any], *texts: str) -> None:
        """The result: the JSON object with --json, else the texts, a line each."""
        if self.as_json:
            print_json(result)
            return
        for text in texts:
            self._results.print(text, soft_wrap=True)

    def show_rows(
        self,
        name: str,
        rows: Sequence[Any],
        columns: Mapping[str, str],
        nothing: str,
    ) -> None:
        """Rows as a table; with --json as a list under `name`.

        Args:
            rows: dataclasses or mappings.
            columns: heading -> key of the row.
            nothing: what to say, and do next, when there are no rows.
        """
        plain = [plain_value(row) for row in rows]
        if self.as_json:
            print_json({name: plain})
        elif not plain:
            self.say(nothing)
        else:
            self.table(columns, ([row[key] for key in columns.values()] for row in plain))

    def table(self, headings: Iterable[str], rows: Iterable[Sequence[Any]]) -> None:
        """A quiet table on standard output; never in --json."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(as_text(cell) for cell in row))
        if sys.stdout.isatty():
            self._results.print(table)
        else:
            self._results.print(table, width=self._results.measure(table).maximum)


def print_json(result: Mapping[str, Any]) -> None:
    """The one JSON object of a command, on standard output."""
    print(json.dumps(plain_value(result), ensure_ascii=False, allow_nan=False))


def plain_value(value: Any) -> Any:
    """Dataclasses, paths and times as JSON: keys that end in `_at` or `_until` become ISO 8601."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): _timed(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_value(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value


def as_text(value: Any) -> str:
    """A cell of a table; nothing is a dash, a time is to the second in UTC."""
    if value is None or value == "":
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("\n", " ")


def _timed(key: str, value: Any) -> Any:
    if isinstance(value, int) and key.endswith(("_at", "_until")):
        return datetime.fromtimestamp(value // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return plain_value(value)


def _console(stderr: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNLIMITED
    return console
