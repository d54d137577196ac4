"""Workspaces on both databases, and votes whose times the test chooses."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import annotators, tables
from storage.ledger import Connection, Ledger
from storage.media import MediaStore
from storage.rows import Batch
from storage.workspace import Workspace

VoteAt = Callable[..., str]


@pytest.fixture
def place(ledger: Ledger, tmp_path: Path) -> Workspace:
    """A workspace without rows, once on each database."""
    return Workspace(tmp_path, ledger, MediaStore(str(tmp_path / "media")))


@pytest.fixture
def vote_at() -> VoteAt:
    """`vote_at(tx, batch, pair_id, "ana", 1_000)` records a vote as if it had come at that time,
    and returns its event id."""

    def record(
        tx: Connection,
        batch: Batch,
        pair_id: str,
        who: str,
        moment: int,
        verdict: str = "a",
        kind: str = "normal",
    ) -> str:
        assignment = _assign(tx, batch, pair_id, who, kind)
        return _add_event(tx, assignment, 1, "vote", verdict, moment)

    return record


@pytest.fixture
def assign() -> Callable[..., str]:
    """`assign(tx, batch, pair_id, "ana", "gold")` offers a pair and returns the assignment's id."""
    return _assign


@pytest.fixture
def add_event() -> Callable[..., str]:
    """`add_event(tx, assignment, 1, "vote", "a", 1_000)` adds to the log with a chosen time."""
    return _add_event


def _assign(tx: Connection, batch: Batch, pair_id: str, who: str, kind: str = "normal") -> str:
    """An assignment, as if this pair had been offered to this annotator."""
    annotator = annotators.get_or_create(tx, who)
    name = uuid.uuid4().hex
    numbers = dict.fromkeys(("offered_at", "leased_until"), 0)
    tx.execute(
        tables.assignments.insert().values(
            id=name,
            batch_id=batch.id,
            pair_id=pair_id,
            annotator_id=annotator.id,
            kind=kind,
            left="a",
            sequence=uuid.uuid4().int % 2**40,
            **numbers,
        )
    )
    return name


def _add_event(
    tx: Connection, assignment: str, sequence: int, kind: str, verdict: str | None, moment: int
) -> str:
    """An event of the log with a time of the test's choice."""
    event = uuid.uuid4().hex
    numbers = dict.fromkeys(("shown_at", "decided_at", "active_ms"), 0)
    tx.execute(
        tables.votes.insert().values(
            event_id=event,
            assignment_id=assignment,
            sequence=sequence,
            kind=kind,
            verdict=verdict,
            note="",
            rubric=None,
            received_at=moment,
            **numbers,
        )
    )
    return event
