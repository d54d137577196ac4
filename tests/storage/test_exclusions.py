"""Votes that do not count: excluded for a reason, and taken back; the log keeps them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from storage import adjudications, analytics, exclusions, numbered, pairs, votes
from storage.analytics import conduct, labeling
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.pairs import PairFilter
from storage.rows import Batch, EffectiveVote, Verdict
from storage.workspace import Workspace

WHY = {"actor": "lead", "reason": "left side only"}
PEOPLE = ("ana", "ben", "cleo")


@pytest.fixture
def batches_of_two(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> tuple[Batch, Batch]:
    """Two batches of two pairs; ana, ben and cleo vote for A on all of them, cleo skips one."""
    with workspace.ledger.write() as tx:
        made = [make_batch(tx, name=name, pair_count=2, overlap=3) for name in ("one", "two")]
        for batch in made:
            ids = [view.pair.id for view in pairs.page(tx, PairFilter(batch=batch.name), 9)]
            for who in PEOPLE:
                last = "skip" if who == "cleo" and batch.name == "two" else "a"
                label(tx, batch, who, {ids[0]: "a", ids[1]: last})
    return made[0], made[1]


def heard(found: Sequence[EffectiveVote]) -> list[tuple[str, str]]:
    return sorted((vote.annotator, vote.batch_id) for vote in found)


def both_ways(workspace: Workspace, batch_id: str = "") -> list[tuple[str, str]]:
    """Who counts where, as the ledger tells and as analytics does: the same."""
    with workspace.ledger.read() as db:
        told = heard(votes.effective(db, batch_id or None))
        repeated = sum(vote.verdict is not Verdict.SKIP for vote in votes.cast(db))
    with analytics.open(workspace).reading() as view:
        rows = view.effective(batch_id).select("annotator", "batch").rows()
        choices = conduct.choices(view, batch_id).filter("counted")["annotator"].to_list()
        left_out = view.left_out()
        cast = view.cast().height
    assert sorted((str(who), str(where)) for who, where in rows) == told
    assert sorted(choices) == [who for who, _ in told]
    with workspace.ledger.read() as db:
        all_cast = votes.cast(db)
        assert exclusions.in_force(db).counted(all_cast) == left_out
    assert (cast, repeated) == (12, 11)
    return told


def test_an_annotator_of_one_batch_is_left_out_there_and_comes_back(
    workspace: Workspace, batches_of_two: tuple[Batch, Batch]
) -> None:
    one, two = batches_of_two
    everybody = both_ways(workspace)
    with workspace.ledger.write() as tx:
        exclusions.exclude(tx, "cleo", batch_id=one.id, **WHY)
    assert both_ways(workspace) == [each for each in everybody if each != ("cleo", one.id)]
    assert {who for who, _ in both_ways(workspace, two.id)} == set(PEOPLE)
    with workspace.ledger.write() as tx:
        exclusions.readmit(tx, "cleo", actor="lead", reason="talked about it", batch_id=one.id)
    assert both_ways(workspace) == everybody


def test_an_annotator_excluded_everywhere_counts_nowhere_with_votes_to_come(
    workspace: Workspace, batches_of_two: tuple[Batch, Batch], make_batch: Callable[..., Batch]
) -> None:
    with workspace.ledger.write() as tx:
        exclusions.exclude(tx, "cleo", **WHY)
    assert {who for who, _ in both_ways(workspace)} == {"ana", "ben"}
    with analytics.open(workspace).reading() as view:
        assert view.left_out() == {"cleo": 3}
        (tally,) = labeling.tallies(view, batches_of_two[0].id)
    assert (tally.cast, tally.a, tally.pairs) == (2, 2, 2)


def test_a_single_vote_is_left_out_and_comes_back(
    workspace: Workspace, batches_of_two: tuple[Batch, Batch]
) -> None:
    everybody = both_ways(workspace)
    with workspace.ledger.read() as db:
        chosen = next(vote for vote in votes.effective(db) if vote.annotator == "ben")
    with workspace.ledger.write() as tx:
        (event,) = exclusions.exclude_votes(tx, [chosen.assignment_id], **WHY)
    assert (event.annotator, event.pair_id) == ("ben", chosen.pair_id)
    left = both_ways(workspace)
    assert len(left) == len(everybody) - 1
    with workspace.ledger.read() as db:
        there = votes.effective(db, pair_ids=[chosen.pair_id])
    assert chosen.assignment_id not in {vote.assignment_id for vote in there}
    with workspace.ledger.write() as tx:
        exclusions.readmit_votes(tx, [chosen.assignment_id], **WHY)
    assert both_ways(workspace) == everybody


def test_a_decision_of_an_excluded_person_as_lead_stands(
    workspace: Workspace, batches_of_two: tuple[Batch, Batch]
) -> None:
    one, _ = batches_of_two
    with workspace.ledger.write() as tx:
        pair = pairs.page(tx, PairFilter(batch="one"), 1)[0].pair.id
        decision = adjudications.decide(
            tx, batch_id=one.id, pair_id=pair, lead="cleo", outcome=Verdict.B, reason="seen"
        )
        exclusions.exclude(tx, "cleo", **WHY)
        assert adjudications.effective(tx, one.id, pair) == [decision]
        with pytest.raises(WrongInputError, match="lead's decision"):
            exclusions.exclude_votes(tx, [decision.assignment_id], **WHY)
    with analytics.open(workspace).reading() as view:
        kinds = view.effective(one.id).filter(annotator="cleo")["kind"].to_list()
    assert kinds == ["adjudication"]


def test_a_figure_of_a_batch_is_marked_anew_by_an_exclusion(
    workspace: Workspace, batches_of_two: tuple[Batch, Batch]
) -> None:
    store = analytics.open(workspace)
    with store.reading() as view:
        before = view.mark_of_batch(batches_of_two[0].id)
    with workspace.ledger.write() as tx:
        exclusions.exclude(tx, "ana", **WHY)
    with store.reading() as view:
        assert view.mark_of_batch(batches_of_two[0].id) != before


def test_the_history_keeps_who_said_what_and_when(
    workspace: Workspace, batches_of_two: tuple[Batch, Batch]
) -> None:
    one, _ = batches_of_two
    with workspace.ledger.write() as tx:
        exclusions.exclude(tx, "ana", batch_id=one.id, **WHY)
        exclusions.readmit(tx, "ana", actor="boss", reason="a mistake", batch_id=one.id)
        told = exclusions.history(tx)
        assert exclusions.in_force(tx).standing == ()
    assert [(each.number, each.kind.value, each.actor, each.reason) for each in told] == [
        (1, "exclude", "lead", "left side only"),
        (2, "readmit", "boss", "a mistake"),
    ]
    assert told[0].batch == "one"
    assert 0 < told[0].created_at <= told[1].created_at


def test_what_changes_nothing_or_says_nothing_is_refused(
    workspace: Workspace, batches_of_two: tuple[Batch, Batch]
) -> None:
    one, _ = batches_of_two
    with workspace.ledger.write() as tx:
        exclusions.exclude(tx, "ana", **WHY)
        with pytest.raises(ConflictError, match="already"):
            exclusions.exclude(tx, "ana", **WHY)
        with pytest.raises(ConflictError, match="no such exclusion"):
            exclusions.readmit(tx, "ana", batch_id=one.id, **WHY)
        with pytest.raises(NotFoundError, match="nobody"):
            exclusions.exclude(tx, "nobody", **WHY)
        with pytest.raises(NotFoundError, match="no-such"):
            exclusions.exclude_votes(tx, ["no-such"], **WHY)
        for reason in (" ", "x" * (numbered.LONGEST_REASON + 1), "a\0b"):
            with pytest.raises(WrongInputError, match="reason"):
                exclusions.exclude(tx, "ben", actor="lead", reason=reason)
        with pytest.raises(WrongInputError, match="who says so"):
            exclusions.exclude(tx, "ben", actor="", reason="because")
        assert len(exclusions.history(tx)) == 1
