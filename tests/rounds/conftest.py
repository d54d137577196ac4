"""A batch of four pairs, known by number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from storage import labels, pairs
from storage.rows import Batch, ImportedLabel
from storage.workspace import Workspace


@dataclass(frozen=True)
class Four:
    """A batch with three votes wanted per pair, and the ids of its pairs in their order."""

    batch: Batch
    ids: Sequence[str]


@pytest.fixture
def four(workspace: Workspace, make_batch: Callable[..., Batch]) -> Four:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=4, overlap=3)
        found = pairs.page(tx, pairs.PairFilter(batch="first"), limit=10)
    return Four(batch, [view.pair.id for view in found])


@pytest.fixture
def vote(
    workspace: Workspace, four: Four, label: Callable[..., None]
) -> Callable[[str, dict[int, str]], None]:
    """`vote("ana", {0: "a"})`: ana finds A of pair 0 better."""

    def go(who: str, verdicts: dict[int, str]) -> None:
        named = {four.ids[number]: verdict for number, verdict in verdicts.items()}
        with workspace.ledger.write() as tx:
            label(tx, four.batch, who, named)

    return go


@pytest.fixture
def import_label(workspace: Workspace, four: Four) -> Callable[..., None]:
    """`import_label(0, "a")`: a file says that answer A of pair 0 is better."""

    def add(number: int, winner: str, labeled_by: str = "imported") -> None:
        row = ImportedLabel(
            four.ids[number], winner, labeled_by, four.batch.id, "f.jsonl", number + 1, f"r{number}"
        )
        with workspace.ledger.write() as tx:
            labels.add(tx, row)

    return add
