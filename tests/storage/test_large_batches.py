"""An offer stays cheap in a large batch, for a new annotator and for one who had thousands."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import insert

from storage import annotators, assignments, clock, had_groups, standing, tables, votes
from storage.assignments import Progress
from storage.ledger import Connection
from storage.rows import Annotator, Assignment, AssignmentKind, Batch, Verdict
from storage.workspace import Workspace

LEASE = 300 * clock.SECOND


def _offered(tx: Connection, batch: Batch, annotator: Annotator) -> Assignment:
    now = clock.now(tx)
    offered = assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=annotator.id,
        new_id=uuid.uuid4().hex,
        left="a",
        now=now,
        leased_until=now + LEASE,
    )
    assert offered is not None
    return offered


def _add_many(tx: Connection, batch: Batch, count: int) -> list[str]:
    """Put so many more pairs into a batch, by their position."""
    pair = tx.execute(tables.pairs.select()).first()
    assert pair is not None
    ids = [f"pair {number:05}" for number in range(count)]
    tx.execute(insert(tables.pairs), [{**pair._mapping, "id": pair_id} for pair_id in ids])
    within = {"batch_id": batch.id}
    rows = [{**within, "pair_id": pair_id, "position": f"zz {pair_id}"} for pair_id in ids]
    tx.execute(insert(tables.batch_pairs), rows)
    standing.derive(tx, batch.id)
    return ids


def _steps(tx: Connection, look: Callable[[], object]) -> int:
    """How many thousand steps SQLite's virtual machine takes."""
    steps: list[None] = []
    driver: Any = tx.connection.driver_connection
    driver.set_progress_handler(lambda: steps.append(None), 1000)
    look()
    driver.set_progress_handler(None, 0)
    return len(steps)


def test_in_a_large_batch_an_offer_looks_at_few_rows(
    workspace: Workspace, make_batch: Callable[..., Batch]
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=2)
        ada = annotators.get_or_create(tx, "Ada")
        _add_many(tx, batch, 10_000)
        assert _steps(tx, lambda: _offered(tx, batch, ada)) <= 2


def test_an_offer_to_somebody_who_had_thousands_looks_at_few_rows(
    workspace: Workspace, make_batch: Callable[..., Batch]
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, pair_count=1, overlap=2)
        ada, ben = (annotators.get_or_create(tx, name) for name in ("Ada", "Ben"))
        ids = _add_many(tx, batch, 6000)
        _had(tx, batch, ada, ids[:4000])
        others = _offered(tx, batch, ben)
        # what only others had, and what nobody had, are both found behind the thousands
        ahead = Assignment(
            "ben's", batch.id, ids[5000], ben.id, AssignmentKind.NORMAL, "a", 0, 1, 1
        )
        assignments.assign(tx, ahead)
        votes.append(
            tx,
            event_id="ben's vote",
            assignment_id=ahead.id,
            kind="vote",
            verdict=Verdict.A,
            shown_at=1,
            decided_at=2,
            active_ms=1,
        )
        found: list[str] = []
        for _ in range(3):
            assert _steps(tx, lambda: found.append(_offered(tx, batch, ada).pair_id)) <= 12
        assert found[0] == ids[5000]
        assert not set(found[1:]) & set(ids[:4000])
        progress = assignments.progress(tx, batch.id, ada.id)
        assert others.pair_id in ids[:4000]
        assert progress == Progress(4000, 3, 6001 - 4000 - 3)


def _had(tx: Connection, batch: Batch, person: Annotator, pair_ids: list[str]) -> None:
    """Somebody voted on each of these, written in bulk as `assign` and `append` would."""
    rows = [
        {
            **{"id": pair_id, "batch_id": batch.id, "pair_id": pair_id, "annotator_id": person.id},
            **{"kind": "normal", "left": "a", "sequence": number, "offered_at": 1},
            **{"leased_until": 1, "answered_at": number},
        }
        for number, pair_id in enumerate(pair_ids, start=1)
    ]
    tx.execute(insert(tables.assignments), rows)
    within = tables.batch_pairs
    voted = within.update().where(within.c.pair_id.in_(pair_ids))
    tx.execute(voted.values(votes=1, votes_a=1, had=had_groups.mark(person.id)))
    standing.derive(tx, batch.id)
