"""A qualification round over HTTP: told after each pair, let in or not, and then told nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labeling.agreement import report
from storage import annotators, batches, gold, pairs, qualifications, standing, tables, votes
from storage.qualifications import Decision
from storage.rows import Batch

NORMAL = 3
OTHER = {"left": "right", "right": "left"}


@pytest.fixture
def batch(served: Any, new_batch: Any) -> Batch:
    """Seven pairs, four of them gold; a round of two, both to be right, then gold at 0.5."""
    made: Batch = new_batch(pair_count=NORMAL + 4, pictures=1, gold_rate=0.5)
    within = tables.batch_pairs
    with served.workspace.ledger.write() as tx:
        gold.mark(tx, made.id, "CANARY-LABEL")
        normal = sorted(gold.winners(tx, made.id))[:NORMAL]
        tx.execute(within.update().where(within.c.pair_id.in_(normal)).values(gold=None))
        standing.derive(tx, made.id)
        qualifications.ask(tx, made.id, 2, 1.0)
        for pair_id in gold.winners(tx, made.id):
            qualifications.explain(tx, made.id, pair_id, "Count again.")
        return batches.by_id(tx, made.id)


def right_side(served: Any, batch: Batch, shown: dict[str, Any]) -> str:
    """Where the right answer of a gold pair stands on the screen."""
    with served.workspace.ledger.read() as db:
        for pair_id, winner in gold.winners(db, batch.id).items():
            view = pairs.view(db, pair_id)
            if {view.text_a, view.text_b} == {shown["left"], shown["right"]}:
                better = view.text_a if winner == "a" else view.text_b
                return "left" if shown["left"] == better else "right"
    raise AssertionError(shown)


def qualify(served: Any, batch: Batch, ada: Any, right: bool = True) -> dict[str, Any]:
    state: dict[str, Any] = ada.state()
    while (state["qualification"] or {}).get("outcome") == "under_way":
        side = right_side(served, batch, state["current"])
        state = ada.vote(side if right else OTHER[side])
    return state


def test_after_each_pair_the_annotator_is_told_what_is_right(
    served: Any, batch: Batch, open_link: Any
) -> None:
    ada = open_link(batch)
    first = ada.state()
    assert (first["total"], first["upcoming"], first["undo"]) == (2, None, None)
    assert first["qualification"] == {
        **{"pairs": 2, "judged": 0, "right": 0, "needed": 2},
        **{"outcome": "under_way", "feedback": None},
    }
    side = right_side(served, batch, first["current"])
    told = ada.vote(OTHER[side])["qualification"]
    assert (told["judged"], told["right"], told["outcome"]) == (1, 0, "under_way")
    feedback = told["feedback"]
    assert (feedback["right"], feedback["better"], feedback["chosen"]) == (False, side, OTHER[side])
    assert feedback["explanation"] == "Count again."
    assert feedback["pair"] == first["current"]
    media = feedback["pair"]["messages"][0]["parts"][0]["src"]
    assert ada.http.get(media).status_code == 200
    # a reload tells the same
    assert ada.state()["qualification"] == told


def test_who_passes_goes_on_to_the_batch_and_is_told_nothing_more(
    served: Any, batch: Batch, open_link: Any
) -> None:
    ada = open_link(batch)
    passed = qualify(served, batch, ada)
    assert passed["qualification"]["outcome"] == "passed"
    assert (passed["qualification"]["right"], passed["done"]) == (2, 0)
    assert passed["current"]["position"] == 1
    seen = {passed["qualification"]["feedback"]["pair"]["left"]}
    state = ada.vote()
    while not state["finished"]:
        assert state["qualification"] is None
        assert "Count again." not in json.dumps(state)
        seen.add(state["current"]["left"])
        state = ada.vote()
    # two gold pairs of the round, the normal ones, and hidden gold pairs that are others
    with served.workspace.ledger.read() as db:
        table = tables.assignments
        had = db.execute(table.select().where(table.c.batch_id == batch.id)).all()
    assert len({row.pair_id for row in had}) == len(had)
    assert {row.kind for row in had} == {"qualification", "normal", "gold"}


def test_who_does_not_pass_gets_no_more_pairs_until_a_lead_lets_them_in(
    served: Any, batch: Batch, open_link: Any
) -> None:
    ada = open_link(batch, "Ada")
    failed = qualify(served, batch, ada, right=False)
    told = failed["qualification"]
    assert (told["outcome"], told["right"], told["needed"]) == ("not_passed", 0, 2)
    assert (failed["current"], failed["upcoming"], failed["finished"]) == (None, None, False)
    assert ada.state() == failed
    with served.workspace.ledger.write() as tx:
        who = annotators.get_or_create(tx, "Ada").id
        qualifications.decide(tx, batch, who, Decision.ADMIT)
    let_in = ada.state()
    assert let_in["qualification"] is None
    assert let_in["current"] is not None


def test_what_was_told_is_not_taken_back(served: Any, batch: Batch, open_link: Any) -> None:
    ada = open_link(batch)
    assignment = ada.state()["current"]["assignment"]
    after = ada.vote()
    refused = ada.post("undo", assignment)
    assert refused.status_code == 409
    assert refused.json()["state"] == after


def test_votes_of_a_round_reach_no_agreement(served: Any, batch: Batch, open_link: Any) -> None:
    for who in ("Ben", "Cleo"):
        qualify(served, batch, open_link(batch, f"{who} of {batch.name}"))
    with served.workspace.ledger.read() as db:
        assert votes.effective(db, batch.id) == []
    assert report.of_batch(served.workspace, batch.name).with_ties.votes == 0
