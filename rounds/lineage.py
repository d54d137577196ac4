"""From a checkpoint's number back to each vote: every row it learned from, and who decided it.

A line a row, so that a lineage of any length can be written to a file while it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from storage import (
    batches,
    checkpoints,
    dataset_versions,
    pairs,
    picks,
    responses,
    round_log,
    votes,
)
from storage.ledger import Connection
from storage.picks import Pick
from storage.rows import Checkpoint, DatasetRow, DatasetVersion, EffectiveVote
from storage.workspace import Workspace

# rows whose votes are read together
_SLICE = 500


@dataclass(frozen=True)
class Turn:
    """A checkpoint of the line, with what it learned from. `round` is None outside of rounds."""

    checkpoint: Checkpoint
    version: DatasetVersion
    round: int | None


@dataclass(frozen=True)
class RowLineage:
    """One row of a version.

    Attributes:
        batches: names of the batches that hold its pair.
        picks: why it was chosen, where it was.
        chosen_by, rejected_by: sources of the two answers, as `kind:name`.
        votes: on the pair as they stood when the version was built, decisions of leads among them;
            `rounds.row_votes` says which of them decided.
    """

    row: DatasetRow
    batches: Sequence[str]
    picks: Sequence[Pick]
    chosen_by: Sequence[str]
    rejected_by: Sequence[str]
    votes: Sequence[EffectiveVote]

    def as_json(self) -> dict[str, Any]:
        """One line of the file."""
        return {
            "pair": self.row.pair_id,
            "split": self.row.split,
            "labels": self.row.labels,
            "confidence": self.row.confidence,
            "batches": list(self.batches),
            "picked": [
                {"strategy": one.strategy, "score": one.score, "propensity": one.propensity}
                for one in self.picks
            ],
            "chosen_by": list(self.chosen_by),
            "rejected_by": list(self.rejected_by),
            "votes": [
                {
                    "assignment": vote.assignment_id,
                    "annotator": vote.annotator,
                    "verdict": vote.verdict.value,
                    "kind": vote.kind.value,
                    "received_at": vote.received_at,
                }
                for vote in self.votes
            ],
        }


def turns(workspace: Workspace, checkpoint: str) -> list[Turn]:
    """The line of a checkpoint, the first ancestor first.

    Raises:
        NotFoundError: there is no such checkpoint.
    """
    with workspace.ledger.read() as db:
        line = checkpoints.lineage(db, checkpoints.get(db, checkpoint).id)
        versions = [dataset_versions.get(db, one.dataset_version) for one in line]
        return [
            Turn(one, version, _round_of(db, version))
            for one, version in zip(line, versions, strict=True)
        ]


def rows(workspace: Workspace, version: DatasetVersion) -> Iterator[RowLineage]:
    """Every row of a version with what decided it, by pair id.

    Raises:
        DamagedError: the version's file is missing or damaged.
    """
    found = dataset_versions.opened(workspace, version)
    for start in range(0, len(found), _SLICE):
        some = found.rows(range(start, min(start + _SLICE, len(found))))
        with workspace.ledger.read() as db:
            told = _told(db, some, version.created_at)
        yield from told


def _told(db: Connection, some: Sequence[DatasetRow], built_at: int) -> list[RowLineage]:
    ids = [row.pair_id for row in some]
    views = {view.pair.id: view for view in pairs.views(db, ids)}
    by_pair: dict[str, list[EffectiveVote]] = {}
    for vote in votes.cast(db, pair_ids=ids, until=built_at):
        by_pair.setdefault(vote.pair_id, []).append(vote)
    lines = []
    for row in some:
        view = views[row.pair_id]
        answers = [view.pair.response_a, view.pair.response_b]
        if row.chosen != view.text_a:
            answers.reverse()
        chosen, rejected = (_sources(db, answer) for answer in answers)
        lines.append(
            RowLineage(
                row=row,
                batches=batches.names_with(db, row.pair_id),
                picks=picks.of_pair(db, row.pair_id),
                chosen_by=chosen,
                rejected_by=rejected,
                votes=by_pair.get(row.pair_id, ()),
            )
        )
    return lines


def _sources(db: Connection, response_id: str) -> list[str]:
    return [f"{one.kind}:{one.name}" for one in responses.sources(db, response_id)]


def _round_of(db: Connection, version: DatasetVersion) -> int | None:
    """The round that a version was built from."""
    number = version.policy.get("round")
    if number is not None:
        return int(number)
    batch = batches.find(db, str(version.policy.get("batch") or ""))
    return None if batch is None else round_log.round_of_batch(db, batch.id)
