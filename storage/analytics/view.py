"""One state of all facts, to ask several questions that must agree with each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars

from storage.analytics.coded import Coded
from storage.analytics.engine import Cursor
from storage.analytics.tails import Snapshot
from storage.rows import Verdict


class View:
    """Answers from one snapshot; used by one thread, until `Analytics.reading` ends.

    Attributes:
        coded: what most figures are counted from.
    """

    def __init__(self, cursor: Cursor, snapshot: Snapshot, coded: Coded) -> None:
        self.coded = coded
        self._cursor = cursor
        self._snapshot = snapshot

    @property
    def mark(self) -> tuple[object, ...]:
        """The same for two views only when they hold the same votes, pairs, labels, members and
        exclusions."""
        return self._snapshot.mark

    @property
    def mark_of_pairs(self) -> tuple[object, ...]:
        """The same for two views only when they hold the same pairs."""
        return self._snapshot.mark_of_pairs

    def mark_of_batch(self, batch_id: str) -> tuple[object, ...]:
        """The same for two views only when the same votes of this batch count."""
        changed = self.coded.changed.get(batch_id, 0)
        marks = self._snapshot.marks
        return (batch_id, changed, marks["exclusions"], marks["excluded_pairs"])

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> polars.DataFrame:
        """The rows of one statement.

        Args:
            sql: a constant of ours. `{votes}` and `{pairs}` stand for sealed and live rows
                together; `numbered` is a table of `pair_id` and `pair`, its number.
            parameters: what `$name` stands for.

        Raises:
            DamagedError: a segment is missing or cannot be read.
            WorkspaceError: it needs too much memory.
        """
        return self._cursor.query(*self._snapshot.filled(sql, parameters))

    def effective(self, batch_id: str = "") -> polars.DataFrame:
        """Votes that count, of one batch or all, by the order in which they came: those that were
        not undone and are not excluded.

        Without repeats and qualification rounds. Columns: `pair` (its number), `batch`,
        `annotator`, `verdict`, `kind` (names), `received_at` and `active_ms`.
        """
        return self.coded.named(self.coded.counted, batch_id)

    def cast(self, batch_id: str = "") -> polars.DataFrame:
        """As `effective`, with those that are excluded."""
        return self.coded.named(self.coded.votes, batch_id)

    def left_out(self, batch_id: str = "") -> dict[str, int]:
        """Annotator -> how many votes of one batch or all are excluded; skips are no votes."""
        if not self.coded.exclusions:
            return {}
        out = self.coded.votes.filter(polars.Series(~self.coded.counts))
        said = self.coded.named(out.filter(polars.col("verdict") != Verdict.SKIP.value), batch_id)
        counted = said["annotator"].cast(polars.String).value_counts(sort=False)
        return {str(name): int(count) for name, count in counted.sort("annotator").iter_rows()}
