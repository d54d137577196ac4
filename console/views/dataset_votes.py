"""The votes behind a dataset version, a page of its rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.views import datasets, wording
from rounds import row_votes
from rounds.row_votes import RowVote, VotedRow
from storage.dataset_file import DatasetFile
from storage.rows import AssignmentKind, DatasetVersion
from storage.workspace import Workspace

PAGE_SIZE = 25
NO_VOTE = "no vote"
_DECISION = "decision of a lead"


@dataclass(frozen=True)
class BehindLine:
    """One vote behind a row; the words of the row stand on its first one alone."""

    pair: str
    prompt: str
    split: str
    chosen: str
    consensus: str
    vote: str
    when: str
    batch: str
    counted: str


@dataclass(frozen=True)
class VotesPage:
    """Some rows with their votes. `page` is from 1 and inside `pages`; `total` counts the rows."""

    rows: Sequence[VotedRow]
    lines: Sequence[BehindLine]
    total: int
    page: int
    pages: int

    @property
    def position(self) -> str:
        """`Rows 26 to 50 of 702, with 61 votes`."""
        first = (self.page - 1) * PAGE_SIZE + 1
        votes = wording.count(sum(len(row.votes) for row in self.rows), "vote")
        last = first + len(self.rows) - 1
        return f"Rows {first:,} to {last:,} of {self.total:,}, with {votes}"


def page(
    workspace: Workspace, version: DatasetVersion, file: DatasetFile, number: int
) -> VotesPage:
    """Page `number` (from 1, brought into range) of the rows of a version.

    Raises:
        DamagedError: the file cannot be read any more.
    """
    last = max(1, -(-len(file) // PAGE_SIZE))
    inside = min(max(1, number), last)
    start = (inside - 1) * PAGE_SIZE
    shown = file.rows(range(start, min(start + PAGE_SIZE, len(file))))
    found = row_votes.of_rows(workspace, version, shown)
    lines = [line for row in found for line in _lines(row)]
    return VotesPage(found, lines, len(file), inside, last)


def _lines(row: VotedRow) -> list[BehindLine]:
    cells = [_cells(one) for one in row.votes] or [(NO_VOTE, "", "", "")]
    heads = [
        (
            row.row.pair_id,
            datasets.question(row.row, 80),
            row.row.split,
            row.chosen.upper(),
            row.consensus if row.agrees else f"{row.consensus}; the row says {row.row.votes}",
        )
    ]
    heads += [("",) * 5] * (len(cells) - 1)
    return [BehindLine(*head, *cell) for head, cell in zip(heads, cells, strict=True)]


def _cells(one: RowVote) -> tuple[str, str, str, str]:
    verdict = one.vote.verdict.value.replace("_", " ")
    verdict = verdict.upper() if len(verdict) == 1 else verdict
    is_lead = one.vote.kind is AssignmentKind.ADJUDICATION
    vote = f"{one.vote.annotator}: {verdict}" + (f" ({_DECISION})" if is_lead else "")
    when = wording.stamp(one.vote.received_at)
    return (vote, when, one.batch, f"no: {one.why_not}" if one.why_not else "yes")
