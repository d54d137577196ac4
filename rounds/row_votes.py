"""From a row of a dataset version to the votes that decided it, as they stood when it was built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars

from labeling import consensus
from rounds.evidence import batches_within
from storage import (
    batches,
    contents,
    dataset_rows,
    dataset_versions,
    exclusions,
    votes,
)
from storage.ledger import Connection
from storage.rows import AssignmentKind, DatasetRow, DatasetVersion, EffectiveVote, Verdict
from storage.workspace import Workspace

EXCLUDED, ELSEWHERE, NOT_ASKED = "excluded", "another batch", "labels come from elsewhere"
SKIPPED, EARLIER = "a skip", "a later one counts"
_SLICE = 500


@dataclass(frozen=True)
class RowVote:
    """A vote or a decision of a lead on the pair of a row.

    Attributes:
        batch: name of the batch in which it was cast.
        why_not: why it did not count when the version was built; empty where it did.
    """

    vote: EffectiveVote
    batch: str
    why_not: str

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": self.vote.assignment_id,
            "annotator": self.vote.annotator,
            "batch": self.batch,
            "verdict": self.vote.verdict.value,
            "kind": self.vote.kind.value,
            "received_at": self.vote.received_at,
            "counted": not self.why_not,
            "why_not": self.why_not,
        }


@dataclass(frozen=True)
class VotedRow:
    """A row with what decided it.

    Attributes:
        chosen: which answer of the pair was chosen, `a` or `b`; empty where this workspace does not
            have the pair, because the version was pulled.
        policy: that settled the votes.
        votes: all that stood on the pair when the version was built, the oldest first.
    """

    row: DatasetRow
    chosen: str
    policy: str
    votes: Sequence[RowVote]

    @property
    def counted(self) -> list[EffectiveVote]:
        """The votes and decisions that counted."""
        return [one.vote for one in self.votes if not one.why_not]

    @property
    def consensus(self) -> str:
        """How the row was decided: `2 of 3 votes for A`."""
        leads = [one for one in self.counted if one.kind is AssignmentKind.ADJUDICATION]
        if leads:
            return f"decided by {leads[-1].annotator}, a lead"
        said = consensus.voices(self.counted)
        if not said:
            return f"label: {self.row.labels}"
        agreeing = sum(verdict == self.chosen for verdict in said.values())
        return f"{agreeing} of {len(said)} votes for {self.chosen.upper()}"

    @property
    def agrees(self) -> bool:
        """Whether as many votes stand here as the row says. Not so where a vote came in the moment
        between the reading of the votes and the recording of the version, or was imported late."""
        return len(consensus.voices(self.counted)) == self.row.votes

    def as_json(self) -> dict[str, Any]:
        """One line of the file."""
        return {
            "pair": self.row.pair_id,
            "category": self.row.prompt.category,
            "split": self.row.split,
            "chosen": self.chosen,
            "labels": self.row.labels,
            "policy": self.policy,
            "confidence": self.row.confidence,
            "consensus": self.consensus,
            "agrees": self.agrees,
            "votes": [one.as_json() for one in self.votes],
        }


def of_version(workspace: Workspace, version: DatasetVersion) -> Iterator[VotedRow]:
    """Every row of a version with its votes, by pair id, read part by part.

    Raises:
        DamagedError: the version's file is missing or damaged.
    """
    found = dataset_versions.opened(workspace, version)
    for start in range(0, len(found), dataset_rows.GROUP):
        group = found.rows(range(start, min(start + dataset_rows.GROUP, len(found))))
        for at in range(0, len(group), _SLICE):
            yield from of_rows(workspace, version, group[at : at + _SLICE])


def of_rows(
    workspace: Workspace, version: DatasetVersion, rows: Sequence[DatasetRow]
) -> list[VotedRow]:
    """Some rows of a version with their votes."""
    ids = [row.pair_id for row in rows]
    with workspace.ledger.read() as db:
        texts = contents.of_pairs(db, polars.Series("pair_id", ids, polars.String))
        cast = votes.cast(db, pair_ids=ids, until=version.created_at)
        names = {one.id: one.name for one in batches.listed(db)}
        left_out = exclusions.stood(db, version.created_at)
        places = _places(db, version)
    first = dict(texts.select("pair_id", "text_a").iter_rows())
    by_pair: dict[str, list[EffectiveVote]] = {}
    for vote in cast:
        by_pair.setdefault(vote.pair_id, []).append(vote)
    found = []
    for row in rows:
        own = by_pair.get(row.pair_id, [])
        reasons = _reasons(own, left_out, places)
        found.append(
            VotedRow(
                row=row,
                chosen=_chosen(row, first.get(row.pair_id)),
                policy=str(version.policy.get("policy") or ""),
                votes=[
                    RowVote(vote, names[vote.batch_id], why)
                    for vote, why in zip(own, reasons, strict=True)
                ],
            )
        )
    return found


def _places(db: Connection, version: DatasetVersion) -> frozenset[str] | None:
    """The batches whose votes were asked; None for all of them."""
    # a pulled version was decided by the votes of another workspace
    if version.policy.get("labels") == "imported" or version.policy.get("pulled"):
        return frozenset()
    within = batches_within(db, version.policy.get("batch"), version.policy.get("round"))
    return None if within is None else frozenset(one.id for one in within)


def _reasons(
    own: Sequence[EffectiveVote], left_out: exclusions.Exclusions, places: frozenset[str] | None
) -> list[str]:
    """Why each vote on a pair did not count; empty for those that did."""
    found = [_barred(vote, left_out, places) for vote in own]
    last = {
        _voice(vote): vote.assignment_id for vote, why in zip(own, found, strict=True) if not why
    }
    return [
        why or ("" if last[_voice(vote)] == vote.assignment_id else EARLIER)
        for vote, why in zip(own, found, strict=True)
    ]


def _voice(vote: EffectiveVote) -> str | None:
    """Whose word it is: the last one of a person counts, and the last one of all leads."""
    return None if vote.kind is AssignmentKind.ADJUDICATION else vote.annotator


def _barred(
    vote: EffectiveVote, left_out: exclusions.Exclusions, places: frozenset[str] | None
) -> str:
    if places is not None and vote.batch_id not in places:
        return ELSEWHERE if places else NOT_ASKED
    if left_out.covers(vote):
        return EXCLUDED
    return SKIPPED if vote.verdict is Verdict.SKIP else ""


def _chosen(row: DatasetRow, text_a: str | None) -> str:
    if text_a is None:
        return ""
    return "a" if text_a == row.chosen else "b"
