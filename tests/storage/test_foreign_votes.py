"""Foreign votes in the ledger: one voice of a judge on a pair, on each database."""

from __future__ import annotations

from collections.abc import Callable

from storage import pairs, votes
from storage.imports import foreign_votes
from storage.imports.records import Opinion
from storage.ledger import Connection, Ledger
from storage.pairs import PairFilter
from storage.rows import AssignmentKind, Batch, Verdict


def test_a_judge_keeps_the_first_vote_on_a_pair(
    ledger: Ledger, make_batch: Callable[[Connection, str], Batch]
) -> None:
    opinion = Opinion("label-studio:3", "first", "Clearer.", 5_000_000, 1500)
    with ledger.write() as tx:
        batch = make_batch(tx, "first")
        pair = pairs.page(tx, PairFilter(batch="first"), limit=1)[0].pair
        cast = [
            foreign_votes.cast(tx, batch.id, pair, opinion, verdict, "b")
            for verdict in (Verdict.A, Verdict.A, Verdict.TIE)
        ]
    assert cast == ["added", "present", "conflicting"]
    with ledger.read() as db:
        [vote] = votes.effective(db, batch.id)
        [event] = votes.events(db, pair.id)
    assert (vote.annotator, vote.verdict, vote.left) == ("label-studio:3", Verdict.A, "b")
    assert vote.kind is AssignmentKind.FOREIGN
    assert (event.shown_at, event.decided_at, event.note) == (3_500_000, 5_000_000, "Clearer.")
