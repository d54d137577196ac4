"""What annotators did: votes, pace and the last vote, of what counts and was not undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from storage import analytics, pairs
from storage.analytics import activity
from storage.rows import Batch
from storage.workspace import Workspace


def test_pace_counts_pairs_per_active_hour_without_undone_votes_rounds_and_decisions(
    place: Workspace, make_batch: Callable[..., Batch], vote_at: Callable[..., str]
) -> None:
    with place.ledger.write() as tx:
        batch = make_batch(tx, pair_count=6)
        ids = [each.pair.id for each in pairs.page(tx, pairs.PairFilter(batch="first"), 6)]
        vote_at(tx, batch, ids[0], "ana", 10, "a")
        vote_at(tx, batch, ids[1], "ana", 30, "skip")
        vote_at(tx, batch, ids[2], "ana", 20, "b", kind="gold")
        for place_, kind in enumerate(("qualification", "repeat", "adjudication"), start=3):
            vote_at(tx, batch, ids[place_], "ana", 50, "a", kind=kind)
        vote_at(tx, batch, ids[0], "ben", 40, "tie")
    with analytics.open(place).reading() as view:
        found = activity.by_annotator(view)
    assert found[batch.id, "ana"] == activity.Activity(2, 3, 0, 30)
    assert found[batch.id, "ana"].pairs_per_hour is None
    assert found[batch.id, "ben"].last_vote_at == 40


@pytest.mark.parametrize(("active_ms", "pace"), [(0, None), (150_000, 72.0)])
def test_a_pace_is_pairs_by_hours(active_ms: int, pace: Any) -> None:
    assert activity.Activity(2, 3, active_ms, 0).pairs_per_hour == pace
