"""Qualification rounds: who may begin, who may not, and that their votes count nowhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage import (
    assignments,
    batches,
    checks,
    clock,
    gold,
    labels,
    qualifications,
    tables,
    votes,
)
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.ledger import Connection, Ledger
from storage.qualifications import Decision, Outcome, Standing
from storage.rows import Annotator, Assignment, AssignmentKind, Batch, ImportedLabel, Verdict

PAIRS = 8
GOLD = 5


@pytest.fixture
def batch(ledger: Ledger, make_batch: Callable[..., Batch]) -> Batch:
    """Eight pairs, five of them gold with `a` right; a round of two, both to be right."""
    with ledger.write() as tx:
        made = make_batch(tx, pair_count=PAIRS)
        within = tables.batch_pairs
        for pair_id in sorted(tx.execute(within.select()).scalars(within.c.pair_id))[:GOLD]:
            labels.add(tx, ImportedLabel(pair_id, "a", "facts", made.id, "test.jsonl", 1, "r"))
        gold.mark(tx, made.id, "facts")
        qualifications.ask(tx, made.id, 2, 1.0)
        return batches.by_id(tx, made.id)


def _blank(tx: Connection, batch: Batch, who: Annotator) -> Assignment:
    number = len(tx.execute(tables.assignments.select()).all())
    return Assignment(
        f"assignment {number}", batch.id, "", who.id, AssignmentKind.NORMAL, "a", 0, 0, 0
    )


def _offer(tx: Connection, batch: Batch, who: Annotator) -> Assignment | None:
    return qualifications.offer(tx, batch, _blank(tx, batch, who))


def _judge(tx: Connection, assignment: Assignment, verdict: Verdict) -> None:
    votes.append(
        tx,
        event_id=assignment.id,
        assignment_id=assignment.id,
        kind="vote",
        verdict=verdict,
        shown_at=1,
        decided_at=2,
        active_ms=3,
    )


def _go_through(tx: Connection, batch: Batch, who: Annotator, *verdicts: Verdict) -> list[str]:
    """Judge the pairs of a round; return which they were."""
    judged = []
    for verdict in verdicts:
        offered = _offer(tx, batch, who)
        assert offered is not None
        _judge(tx, offered, verdict)
        judged.append(offered.pair_id)
    return judged


def _standing(tx: Connection, batch: Batch, who: Annotator) -> Standing:
    found = qualifications.standing(tx, batch, who.id)
    assert found is not None
    return found


def test_a_new_annotator_judges_one_gold_pair_after_the_other_until_the_round_is_over(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    ada = people[0]
    with ledger.write() as tx:
        first = _offer(tx, batch, ada)
        assert first is not None
        assert first.kind is AssignmentKind.QUALIFICATION
        assert first.pair_id in gold.winners(tx, batch.id)
        assert _offer(tx, batch, ada) == first
        assert _standing(tx, batch, ada).open == first
        _judge(tx, first, Verdict.A)
        _go_through(tx, batch, ada, Verdict.A)
        assert _offer(tx, batch, ada) is None
        found = _standing(tx, batch, ada)
    assert (found.outcome, found.right, found.wanted) == (Outcome.PASSED, 2, 2)
    assert not found.keeps_out


@pytest.mark.parametrize("wrong", [Verdict.B, Verdict.TIE, Verdict.SKIP, Verdict.BOTH_BAD])
def test_whatever_is_not_the_right_answer_does_not_pass(
    ledger: Ledger, batch: Batch, people: list[Annotator], wrong: Verdict
) -> None:
    with ledger.write() as tx:
        _go_through(tx, batch, people[0], Verdict.A, wrong)
        found = _standing(tx, batch, people[0])
    assert (found.outcome, found.right, found.needed) == (Outcome.NOT_PASSED, 1, 2)
    assert found.keeps_out


def test_the_mark_is_a_share_that_is_met_exactly(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        qualifications.ask(tx, batch.id, 5, 0.6)
        asked = batches.by_id(tx, batch.id)
        _go_through(tx, asked, people[0], *[Verdict.A] * 3, *[Verdict.B] * 2)
        _go_through(tx, asked, people[1], *[Verdict.A] * 2, *[Verdict.B] * 3)
        found = [_standing(tx, asked, who).outcome for who in people[:2]]
    assert found == [Outcome.PASSED, Outcome.NOT_PASSED]


def test_votes_of_a_round_count_nowhere(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        _go_through(tx, batch, people[0], Verdict.A, Verdict.A)
        assert votes.effective(tx, batch.id) == []
        assert assignments.last_answered(tx, batch.id, people[0].id) is None
        progress = assignments.progress(tx, batch.id, people[0].id)
        counters = tx.execute(tables.batch_pairs.select()).all()
    assert (progress.done, progress.open, progress.available) == (0, 0, PAIRS - GOLD)
    assert {row.votes for row in counters} == {0}


def test_no_pair_of_a_round_comes_again_as_a_hidden_gold_pair(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    ada = people[0]
    with ledger.write() as tx:
        of_batch = tables.batches.update().where(tables.batches.c.id == batch.id)
        tx.execute(of_batch.values(gold_rate=0.5))
        asked = batches.by_id(tx, batch.id)
        judged = _go_through(tx, asked, ada, Verdict.A, Verdict.A)
        hidden = []
        for _ in range(2 * PAIRS):
            blank = _blank(tx, asked, ada)
            offered = checks.offer_due(tx, asked, blank, b"secret") or assignments.offer_next(
                tx,
                batch_id=asked.id,
                annotator_id=ada.id,
                new_id=blank.id,
                left="a",
                now=clock.now(tx),
                leased_until=clock.now(tx) + clock.DAY,
            )
            if offered is not None and offered.kind is AssignmentKind.GOLD:
                hidden.append(offered.pair_id)
    assert hidden
    assert set(hidden).isdisjoint(judged)


def test_a_judgement_of_a_round_is_not_taken_back(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        offered = _offer(tx, batch, people[0])
        assert offered is not None
        _judge(tx, offered, Verdict.B)
        with pytest.raises(ConflictError, match="judged once"):
            votes.append(
                tx,
                event_id="undo",
                assignment_id=offered.id,
                kind="undo",
                verdict=None,
                shown_at=1,
                decided_at=2,
                active_ms=3,
            )


def test_who_labels_already_is_not_asked(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        had = _blank(tx, batch, people[0])
        normal = next(
            row.pair_id for row in tx.execute(tables.batch_pairs.select()) if row.gold is None
        )
        assignments.assign(tx, Assignment(**{**vars(had), "pair_id": normal}))
        assert not _standing(tx, batch, people[0]).keeps_out
        assert _offer(tx, batch, people[0]) is None
        assert _standing(tx, batch, people[1]).keeps_out


def test_a_lead_lets_in_who_did_not_pass(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    ada = people[0]
    with ledger.write() as tx:
        _go_through(tx, batch, ada, Verdict.B, Verdict.B)
        qualifications.decide(tx, batch, ada.id, Decision.ADMIT)
        found = _standing(tx, batch, ada)
        with pytest.raises(ConflictError, match="may label"):
            qualifications.decide(tx, batch, ada.id, Decision.RETRY)
    assert (found.outcome, found.keeps_out) == (Outcome.ADMITTED, False)


def test_another_try_brings_other_pairs_and_the_first_one_counts_no_more(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    ada = people[0]
    with ledger.write() as tx:
        first = _go_through(tx, batch, ada, Verdict.B)
        with pytest.raises(ConflictError, match="under way"):
            qualifications.decide(tx, batch, ada.id, Decision.RETRY)
        first += _go_through(tx, batch, ada, Verdict.B)
        qualifications.decide(tx, batch, ada.id, Decision.RETRY)
        assert _standing(tx, batch, ada).outcome is Outcome.UNDER_WAY
        second = _go_through(tx, batch, ada, Verdict.A, Verdict.A)
        assert _standing(tx, batch, ada).outcome is Outcome.PASSED
    assert set(first).isdisjoint(second)


def test_another_try_needs_gold_pairs_that_were_not_seen(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    ada = people[0]
    with ledger.write() as tx:
        for _ in range(2):
            _go_through(tx, batch, ada, Verdict.B, Verdict.B)
            if _standing(tx, batch, ada).right == 0 and len(_seen(tx, ada)) < 4:
                qualifications.decide(tx, batch, ada.id, Decision.RETRY)
        with pytest.raises(ConflictError, match="has 1 gold pairs that Ada has not seen"):
            qualifications.decide(tx, batch, ada.id, Decision.RETRY)


def _seen(tx: Connection, who: Annotator) -> set[str]:
    table = tables.assignments
    return set(tx.execute(table.select().where(table.c.annotator_id == who.id)).scalars())


def test_a_round_wants_enough_gold_pairs_and_they_are_not_taken_from_it(
    ledger: Ledger, batch: Batch
) -> None:
    with ledger.write() as tx:
        with pytest.raises(WrongInputError, match="has 5 gold pairs, and the round wants 6"):
            qualifications.ask(tx, batch.id, 6, 0.8)
        with pytest.raises(WrongInputError, match="the qualification round wants 2"):
            gold.mark(tx, batch.id, "nobody")
        for pairs, share in ((101, 0.8), (-1, 0.8), (2, 0.0), (2, 1.1)):
            with pytest.raises(WrongInputError, match="cannot be used"):
                qualifications.ask(tx, batch.id, pairs, share)
        qualifications.ask(tx, batch.id, 0, 1.0)
        assert gold.mark(tx, batch.id, "nobody").gold == 0
        assert qualifications.standing(tx, batches.by_id(tx, batch.id), "anybody") is None


def test_an_explanation_belongs_to_a_gold_pair(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    with ledger.write() as tx:
        right = gold.winners(tx, batch.id)
        for pair_id in right:
            qualifications.explain(tx, batch.id, pair_id, "Count the circles.")
        _go_through(tx, batch, people[0], Verdict.B)
        (judged,) = _standing(tx, batch, people[0]).judged
        assert (judged.explanation, judged.right) == ("Count the circles.", Verdict.A)
        normal = next(
            row.pair_id for row in tx.execute(tables.batch_pairs.select()) if row.gold is None
        )
        with pytest.raises(NotFoundError, match="no gold pair"):
            qualifications.explain(tx, batch.id, normal, "Count the circles.")


def test_the_lead_sees_everybody_who_began_or_was_let_in(
    ledger: Ledger, batch: Batch, people: list[Annotator]
) -> None:
    ada, ben, cleo = people
    with ledger.write() as tx:
        _go_through(tx, batch, cleo, Verdict.A, Verdict.A)
        _go_through(tx, batch, ada, Verdict.A)
        qualifications.decide(tx, batch, ben.id, Decision.ADMIT)
        found = qualifications.of_batch(tx, batch)
    assert [(who.name, stands.outcome.value, len(stands.judged)) for who, stands in found] == [
        ("Ada", "under_way", 1),
        ("Ben", "admitted", 0),
        ("Cleo", "passed", 2),
    ]
