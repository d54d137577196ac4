"""One state of all facts, to ask several questions that must agree with each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars

from storage.analytics.engine import Cursor
from storage.analytics.tails import Snapshot
from storage.rows import AssignmentKind, EffectiveVote, Verdict


def effective_votes(condition: str = "true") -> str:
    """The statement for votes that count, of those events that meet the condition.

    Votes and undos of an assignment take turns: an undo takes back the event before it. A repeat
    says how far an annotator agrees with themselves and does not count.

    Args:
        condition: a constant of ours about columns that all events of an assignment share.
    """
    return f"""
    SELECT v.* FROM (
        SELECT * FROM {{votes}} WHERE kind = 'vote' AND assignment_kind <> 'repeat' AND {condition}
    ) v
    ANTI JOIN (
        SELECT assignment_id, sequence FROM {{votes}} WHERE kind = 'undo' AND {condition}
    ) u ON u.assignment_id = v.assignment_id AND u.sequence = v.sequence + 1
    """  # noqa: S608


_FIELDS = """assignment_id, batch_id, pair_id, annotator, verdict, "left", received_at,
    assignment_kind AS kind"""
# one look for votes and undos together: on few pairs the rest is quicker here
_EVENTS_OF = f"""
    SELECT {_FIELDS}, sequence, events.kind AS event FROM {{votes}} AS events
    WHERE pair_id IN (SELECT unnest($wanted)) AND assignment_kind <> 'repeat'
    ORDER BY received_at, assignment_id, sequence
"""  # noqa: S608
_VOTES = f"""
    SELECT {_FIELDS}, active_ms FROM ({effective_votes("($batch = '' OR batch_id = $batch)")})
    ORDER BY received_at, assignment_id
"""  # noqa: S608


class View:
    """Answers from one snapshot; used by one thread, until `Analytics.reading` ends."""

    def __init__(self, cursor: Cursor, snapshot: Snapshot) -> None:
        self._cursor = cursor
        self._snapshot = snapshot

    @property
    def mark(self) -> tuple[object, ...]:
        """The same for two views only when they hold the same votes, pairs, labels, members."""
        return self._snapshot.mark

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows of `votes` (events, undos too), `pairs` and `labels`."""
        return self._snapshot.counts

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> polars.DataFrame:
        """The rows of one statement.

        Args:
            sql: a constant of ours. `{votes}` and `{pairs}` stand for sealed and live rows
                together; `labels` and `members` are tables.
            parameters: what `$name` stands for.

        Raises:
            DamagedError: a segment is missing or cannot be read.
            WorkspaceError: it needs too much memory.
        """
        places: dict[str, str] = {}
        values = dict(parameters or {})
        for kind, paths in self._snapshot.segments.items():
            name = kind.value
            places[name] = f"{name}_tail"
            if paths and f"{{{name}}}" in sql:
                places[name] = _both(name)
                values[f"{name}_segments"] = list(paths)
        return self._cursor.query(sql.format(**places), values)

    def effective(self, batch_id: str = "") -> polars.DataFrame:
        """Votes that were not undone, of one batch or all, by the order in which they came.

        Columns as the fields of `EffectiveVote`, and `active_ms`. Without repeats.
        """
        return self.query(_VOTES, {"batch": batch_id})

    def votes_of(self, pair_ids: Sequence[str]) -> list[EffectiveVote]:
        """The effective votes on some pairs, by the order in which they came."""
        if not pair_ids:
            return []
        found = self.query(_EVENTS_OF, {"wanted": list(pair_ids)}).rows(named=True)
        undone = {
            (row["assignment_id"], row["sequence"] - 1) for row in found if row["event"] == "undo"
        }
        return [
            _vote(row)
            for row in found
            if row["event"] == "vote" and (row["assignment_id"], row["sequence"]) not in undone
        ]

    def winners_of(self, pair_ids: Iterable[str]) -> dict[str, list[str]]:
        """Pair -> the winners (`a`, `b`) that imported labels name, both when they contradict."""
        labels = self._snapshot.tails["labels"]
        found = labels.filter(polars.col("pair_id").is_in(list(pair_ids)))
        pairs = found.select("pair_id", "winner").unique().sort("pair_id", "winner")
        winners: dict[str, list[str]] = {}
        for pair_id, winner in pairs.iter_rows():
            winners.setdefault(pair_id, []).append(winner)
        return winners


def _both(name: str) -> str:
    sealed = f"read_parquet(${name}_segments, union_by_name = true)"
    return f"(SELECT * FROM {sealed} UNION ALL BY NAME SELECT * FROM {name}_tail)"  # noqa: S608


def _vote(row: Mapping[str, Any]) -> EffectiveVote:
    return EffectiveVote(
        assignment_id=row["assignment_id"],
        batch_id=row["batch_id"],
        pair_id=row["pair_id"],
        annotator=row["annotator"],
        verdict=Verdict(row["verdict"]),
        left=row["left"],
        received_at=row["received_at"],
        kind=AssignmentKind(row["kind"]),
    )
