"""What waits for a lead: contested, reported, or naming its model; nothing that was decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labeling import referrals
from storage import adjudications, annotators, assignments, batches, pairs, reports
from storage.ledger import Connection
from storage.rows import Batch, Verdict
from storage.workspace import Workspace


@pytest.fixture
def batch(workspace: Workspace, make_pair: Callable[..., Any]) -> Batch:
    """Four pairs; one answer of one of them names its model."""
    with workspace.ledger.write() as tx:
        made = batches.create(tx, "mixed", overlap=2, review_limit=2)
        for number, one in enumerate(("Two.", "I am Qwen, and I see two.", "2", "II")):
            pair = make_pair(tx, f"Question {number}?", one, "Three.")
            batches.add_pair(tx, made.id, pair.id)
    return made


def _pairs(tx: Connection, batch: Batch) -> list[str]:
    views = pairs.page(tx, pairs.PairFilter(batch=batch.name), 9)
    return [view.pair.id for view in views if "Qwen" not in view.text_a + view.text_b]


def test_each_referral_says_why_and_names_no_annotator(
    workspace: Workspace, batch: Batch, label: Callable[..., None]
) -> None:
    with workspace.ledger.write() as tx:
        disputed, reported, quiet = _pairs(tx, batch)
        label(tx, batch, "Ada", {disputed: "a", quiet: "a"})
        label(tx, batch, "Ben", {disputed: "b", quiet: "a"})
        ada = next(
            one
            for one in assignments.open_for(tx, batch.id, _id_of(tx, "Ada"))
            if one.pair_id == reported
        )
        reports.append(tx, event_id="e", assignment_id=ada.id, kind="broken_media", note="all grey")
        found = {each.pair_id: each for each in referrals.waiting(tx, batch)}
        assert referrals.waiting(tx) == list(found.values())
    why = {pair_id: [(r.kind, r.what) for r in each.reasons] for pair_id, each in found.items()}
    assert why.pop(disputed) == [("contested", "votes: 1 for a, 1 for b, 0 for neither")]
    assert why.pop(reported) == [("reported", "broken media: all grey")]
    (((kind, what),),) = why.values()
    assert kind == "names_its_model"
    assert what.endswith("says that it is by Qwen")
    assert "Ada" not in str(found)


def test_a_decision_settles_every_reason(workspace: Workspace, batch: Batch) -> None:
    with workspace.ledger.write() as tx:
        (named,) = referrals.waiting(tx, batch)
        adjudications.decide(
            tx,
            batch_id=batch.id,
            pair_id=named.pair_id,
            lead="Lea",
            outcome=Verdict.TIE,
            reason="not blind",
        )
        assert referrals.waiting(tx, batch) == []


def _id_of(tx: Connection, name: str) -> str:
    return annotators.get_or_create(tx, name).id
