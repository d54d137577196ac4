"""The way to the bench of a lead, as Streamlit runs it: only while something waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console.views import settling
from labeling.adjudication import access
from storage import (
    adjudications,
    annotators,
    batches,
    clock,
    disputes,
    lead_log,
    lead_sessions,
    pairs,
)
from storage.rows import Batch, LeadSession, Verdict
from storage.workspace import Workspace

Page = Callable[..., AppTest]


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


@pytest.fixture
def disputed(
    workspace: Workspace, make_pair: Callable[..., Any], label: Callable[..., None]
) -> Batch:
    """Two batches; in the first two people disagree on one of two pairs."""
    with workspace.ledger.write() as tx:
        first = batches.create(tx, "first", overlap=2, review_limit=2)
        batches.create(tx, "calm")
        for number in range(2):
            batches.add_pair(tx, first.id, make_pair(tx, f"Question {number}?").id)
        (hard, easy) = [v.pair.id for v in pairs.page(tx, pairs.PairFilter(batch="first"), 2)]
        label(tx, first, "ana", {hard: "a", easy: "a"})
        label(tx, first, "ben", {hard: "b", easy: "a"})
        return first


@pytest.mark.parametrize("name", ["overview", "batches", "pairs"])
def test_a_lead_gets_a_link_that_opens_the_bench(
    workspace: Workspace, disputed: Batch, page: Page, name: str
) -> None:
    test = page(name)
    assert not test.exception
    assert "All batches: 1 pair waits for a lead." in texts(test)
    test.text_input(key="lead").set_value("Lea").run()
    assert not test.get("link_button")
    test.button(key="settle").click().run()
    assert not test.exception
    (link,) = test.get("link_button")
    token = link.proto.url.split("/j#")[1]
    with workspace.ledger.write() as db:
        entry = access.exchange(db, token, workspace.secret())
        seat = access.authorize(db, entry.cookie, workspace.secret())
    assert (seat.lead.name, seat.batch_id) == ("Lea", None)


def test_the_bench_of_a_lead_is_closed_for_one_browser_in_two_clicks(
    workspace: Workspace, disputed: Batch, page: Page
) -> None:
    with workspace.ledger.write() as tx:
        batch = batches.get(tx, "calm").id
        now = clock.now(tx)
        for at, (lead, where) in enumerate((("Lea", disputed.id), ("Max", None), ("Kim", batch))):
            who = annotators.get_or_create(tx, lead).id
            ends = now + clock.DAY
            assert lead_sessions.add(tx, LeadSession(f"of {lead}", who, where, at, ends, None))
    told = texts(page("batches", batch="first"))
    assert [words.split(":")[0] for words in told if "works until" in words] == [
        "Max, all batches",
        "Lea, first",
    ]
    test = page("batches")
    test.button(key="close-of Lea").click().run()
    test.button(key="confirm-of Lea").click().run()
    assert not test.exception
    assert [words.split(",")[0] for words in texts(test) if "works until" in words] == [
        "Kim",
        "Max",
    ]
    with workspace.ledger.read() as db:
        found = lead_sessions.find(db, "of Lea")
        assert found is not None
        assert found[0].revoked_at is not None


def test_on_the_overview_disputes_come_after_what_needs_the_lead_now(
    workspace: Workspace, disputed: Batch, page: Page
) -> None:
    test = page("overview")
    order = [element.value for element in test.main if element.type in ("subheader", "text")]
    waits = order.index("All batches: 1 pair waits for a lead.")
    assert order.index("What needs you now") < waits < order.index("Batches")


def test_only_the_chosen_batch_counts_and_a_calm_one_says_nothing(
    workspace: Workspace, disputed: Batch, page: Page
) -> None:
    assert settling.waiting(workspace, disputed.name) == 1
    assert settling.waiting(workspace, "calm") == 0
    test = page("batches", batch="calm")
    assert not test.exception
    assert "settle" not in [button.key for button in test.button]
    test = page("batches", batch="first")
    test.text_input(key="lead").set_value(" ").run()
    test.button(key="settle").click().run()
    assert "cannot be the name" in " ".join(texts(test))


def test_the_pairs_page_says_how_a_decision_came_about(
    workspace: Workspace, disputed: Batch, page: Page
) -> None:
    with workspace.ledger.write() as tx:
        (hard,) = disputes.waiting(tx, disputed.id)
        place = {"batch_id": disputed.id, "pair_id": hard.pair_id, "lead": "Lea"}
        adjudications.show_names(tx, **place)
        seen = lead_log.Circumstances(names_seen=True)
        adjudications.decide(
            tx, **place, outcome=Verdict.B, reason="It is **blue**", circumstances=seen
        )
    test = page("pairs", pair=hard.pair_id)
    assert not test.exception
    (words,) = [text for text in texts(test) if text.startswith("Decision by Lea")]
    assert words.endswith("batch first, having seen who voted: B is better: It is **blue**")
