"""Two checkpoints on the same items of the same benchmarks: what the later one fixed and broke.

A significant drop against the start of its round is what alignment cost: a warning on the
checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rounds import lineage
from rounds.independent import items
from rounds.independent.items import Outcome
from storage import checkpoints, independent_results, models, round_log
from storage.independent_results import IndependentResult
from storage.ledger import Connection
from storage.rows import Checkpoint
from storage.workspace import Workspace
from training.jobs import starts
from training.measuring import paired
from training.measuring.paired import Paired

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Compared:
    """One benchmark.

    Attributes:
        fixed, broken: items that only the second, and that only the first has right.
        paired: counts, difference (second minus first) and McNemar's p.
        unshared: items that only one of them was asked, or whose outcome is not known.
    """

    benchmark: str
    fixed: Sequence[Outcome]
    broken: Sequence[Outcome]
    paired: Paired
    unshared: int

    @property
    def is_drop(self) -> bool:
        """Whether the second is significantly worse."""
        return self.paired.p < SIGNIFICANT and (self.paired.difference or 0.0) < 0


@dataclass(frozen=True)
class Guarded:
    """A checkpoint against the start of its round; empty where that was not measured."""

    start: str
    compared: Sequence[Compared]

    @property
    def drops(self) -> list[Compared]:
        return [one for one in self.compared if one.is_drop]


def compare(workspace: Workspace, first: str, second: str) -> list[Compared]:
    """Every benchmark with items that both were asked, by name.

    Args:
        first, second: checkpoints, or names of models, as results name them.
    """
    with workspace.ledger.read() as db:
        before, after = (_with_items(db, one) for one in (first, second))
    found = []
    for name in sorted(before.keys() & after.keys()):
        one = _compared(
            name,
            items.of_result(workspace, before[name]),
            items.of_result(workspace, after[name]),
        )
        if one.paired.n:
            found.append(one)
    return found


def guard(workspace: Workspace, checkpoint: Checkpoint) -> Guarded:
    """What a checkpoint keeps and loses of what the start of its round could do."""
    start = start_of(workspace, checkpoint)
    return Guarded(start, compare(workspace, start, checkpoint.id) if start else [])


def start_of(workspace: Workspace, checkpoint: Checkpoint) -> str:
    """The start of its round, else what it was trained from: a checkpoint's id or a model's name.

    Empty where the model underneath has no name here.
    """
    number = lineage.turns(workspace, checkpoint.id)[-1].round
    with workspace.ledger.read() as db:
        if number is not None:
            return subject(db, round_log.get(db, number).start)
        if checkpoint.parent is not None:
            return checkpoint.parent
        known = [one.name for one in models.listed(db) if one.location == checkpoint.model]
    return known[0] if known else checkpoint.model


def subject(db: Connection, name: str) -> str:
    """What results call a checkpoint or model: the id, else the name.

    Raises:
        NotFoundError: there is none.
    """
    start = starts.resolve(db, name)
    return start.tip or start.name


def called(db: Connection, subject: str) -> str:
    """What people call it."""
    return {one.id: one.name for one in checkpoints.listed(db)}.get(subject, subject)


def _with_items(db: Connection, checkpoint: str) -> dict[str, IndependentResult]:
    """The newest result with items of each benchmark."""
    found: dict[str, IndependentResult] = {}
    for one in independent_results.listed(db, checkpoint):
        if one.items:
            found.setdefault(one.benchmark, one)
    return found


def _compared(name: str, before: Sequence[Outcome], after: Sequence[Outcome]) -> Compared:
    earlier = {one.key: one.right for one in before if one.right is not None}
    both = [one for one in after if one.right is not None and one.key in earlier]
    was = np.array([bool(earlier[one.key]) for one in both], dtype=np.bool_)
    now = np.array([bool(one.right) for one in both], dtype=np.bool_)
    return Compared(
        benchmark=name,
        fixed=[one for one in both if one.right and not earlier[one.key]],
        broken=[one for one in both if not one.right and earlier[one.key]],
        paired=paired.compare(was, now),
        unshared=len(before) + len(after) - 2 * len(both),
    )
