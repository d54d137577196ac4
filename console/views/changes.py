"""Fixed and broken answers between two sources, as the Diff page and the command show them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.views import diff
from console.views.diff import Asked, Comparison
from rounds.changes import collecting, outcomes
from rounds.changes.outcomes import Answers, Change, DecidedBy, Outcome, Tally
from storage import judgements
from storage.errors import WrongInputError
from storage.exports import spreadsheets
from storage.rows import Batch
from storage.workspace import Workspace

FORMATS = (".jsonl", ".csv")
_NAMES = {
    DecidedBy.REFERENCE: "reference",
    DecidedBy.VOTES: "blind votes",
    DecidedBy.JUDGE: "a model as judge",
    DecidedBy.SAME: "same answer",
    DecidedBy.NOBODY: "nobody yet",
}


@dataclass(frozen=True)
class Changes:
    """The outcome of every prompt that both answered.

    Attributes:
        by_prompt: prompt -> its change.
        tallies: all first, then by category.
        told: how the outcomes are known, in a sentence.
    """

    by_prompt: dict[str, Change]
    tallies: Sequence[Tally]
    told: str

    @property
    def changed(self) -> int:
        """Answers that read differently."""
        return sum(bool(one.pair_id) for one in self.by_prompt.values())

    def ordered(self, asked: Sequence[Asked], outcome: str = "") -> list[Asked]:
        """These prompts, regressions first; only those with this outcome, if one is given."""
        chosen = [
            one
            for one in asked
            if not outcome or self.by_prompt[one.prompt_id].outcome.value == outcome
        ]

        def place(one: Asked) -> tuple[int, str]:
            return outcomes.ORDER.index(self.by_prompt[one.prompt_id].outcome), one.prompt_id

        return sorted(chosen, key=place)


def read(workspace: Workspace, found: Comparison, asked: Sequence[Asked], judge: str) -> Changes:
    """Decide the outcomes; `judge` names a model whose word counts where people said nothing.

    Raises:
        NotFoundError: this judge has labeled nothing.
    """
    judged = {}
    if judge:
        known = judgements.find(workspace, judge)
        judged = judgements.by_pair(workspace, known.judge, known.version)
    answers = [Answers(one.prompt_id, one.category, one.left, one.right) for one in asked]
    changes = outcomes.decide(workspace, answers, judged)
    return Changes(
        by_prompt={one.answers.prompt_id: one for one in changes},
        tallies=outcomes.tallies(changes),
        told=_told(changes, found),
    )


def collect(workspace: Workspace, found: Comparison, changes: Changes, batch: str) -> Batch:
    """A batch of the undecided changes. Raises PairwrightError."""
    listed = list(changes.by_prompt.values())
    return collecting.collect(workspace, listed, found.left.id, found.right.id, batch)


def export(workspace: Workspace, found: Comparison, changes: Changes, path: Path) -> int:
    """Write every prompt with both answers and its outcome; returns how many.

    Raises:
        WrongInputError: the name ends in none of FORMATS.
    """
    if path.suffix not in FORMATS:
        raise WrongInputError(f"{path.name} names no format.", f"End it in {' or '.join(FORMATS)}.")
    rows = [_row(workspace, found, one) for one in changes.by_prompt.values()]
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv" and rows:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows({k: spreadsheets.safe(v) for k, v in row.items()} for row in rows)
        else:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return len(rows)


def name_of(decided_by: DecidedBy) -> str:
    """How an outcome is known, in words."""
    return _NAMES[decided_by]


def _told(changes: Sequence[Change], found: Comparison) -> str:
    counts = {
        how: sum(one.decided_by is how for one in changes)
        for how in (DecidedBy.REFERENCE, DecidedBy.VOTES, DecidedBy.JUDGE, DecidedBy.NOBODY)
    }
    parts = [f"{count:,} by {_NAMES[how]}" for how, count in counts.items() if count]
    known = f" Decided {', '.join(parts)}." if parts else ""
    return (
        f"Fixed and broken are told from {found.left.name} to {found.right.name}, by what is "
        f"right where that is known, else by blind votes.{known}"
    )


def _row(workspace: Workspace, found: Comparison, one: Change) -> dict[str, Any]:
    told = one.answers
    with workspace.ledger.read() as db:
        question = diff.question(db, told.prompt_id)
    return {
        "prompt": told.prompt_id,
        "category": told.category,
        "question": question,
        "outcome": one.outcome.value,
        "decided_by": one.decided_by.value,
        "before": told.before,
        "after": told.after,
        "difference": diff.difference(told.before, told.after),
        "before_by": found.left.name,
        "after_by": found.right.name,
        "pair": one.pair_id,
    }


__all__ = ["Changes", "Outcome", "collect", "export", "name_of", "read"]
