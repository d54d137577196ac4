"""Pairs for a browser to go on with when the network is gone."""

from __future__ import annotations

from typing import Any

from labeling import desk, links
from labeling.wire import ShownPair
from storage import votes


def ahead(person: Any) -> list[ShownPair]:
    answer = person.http.get("/api/ahead")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"pairs"}
    return [ShownPair(**each) for each in answer.json()["pairs"]]


def test_pairs_ahead_start_with_those_on_the_desk_and_come_in_their_order(
    new_batch: Any, open_link: Any
) -> None:
    ada = open_link(new_batch(pair_count=14, pictures=1, gold_rate=0.3))
    pairs = ahead(ada)
    assert len(pairs) == desk.STOCK
    assert [each.position for each in pairs] == list(range(1, desk.STOCK + 1))
    assert ahead(ada) == pairs
    state = ada.state()
    assert [state["current"], state["upcoming"]] == [each.model_dump() for each in pairs[:2]]
    for each in pairs[:10]:
        assert ada.state()["current"]["assignment"] == each.assignment
        assert ada.post("vote", each.assignment, choice="left").status_code == 200
    assert ada.state()["total"] >= 14


def test_pairs_ahead_are_not_held_and_no_pair_gets_more_votes_than_wanted(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=12)
    ada, bob = open_link(batch), open_link(batch)
    assert len(ahead(ada)) == 12
    assert bob.state()["total"] == 10, "two are on Ada's desk"
    # both go on until nothing is left
    while any(person.state()["current"] for person in (ada, bob)):
        for person in (ada, bob):
            if person.state()["current"]:
                ahead(person)
                person.vote()
    with served.workspace.ledger.read() as db:
        found = votes.effective(db, batch.id)
    assert len(found) == len({vote.pair_id for vote in found}) == 12
    assert len({vote.annotator for vote in found}) == 2


def test_no_more_pairs_come_ahead_than_the_link_is_for(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=8)
    ada = open_link(batch, "Ada with a quota")
    token = links.mint(served.workspace, batch.name, "Ada with a quota", quota=3).token
    assert ada.http.post("/api/session", json={"token": token}).status_code == 200
    assert len(ahead(ada)) == 3


def test_repeats_do_not_come_after_all_pairs_ahead(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=12, repeat_rate=0.5)
    ada = open_link(batch, "Ada among repeats")
    # one is due after six or seven pairs, and needs a vote first
    assert len(ahead(ada)) in (6, 7)
    seen: list[str] = []
    while current := ada.state()["current"]:
        ahead(ada)
        seen.append(current["messages"][0]["parts"][-1]["text"])
        assert ada.post("vote", current["assignment"], choice="left").status_code == 200
    again = [place for place, text in enumerate(seen, start=1) if text in seen[: place - 1]]
    assert again[0] in (7, 8)
    assert len(again) in (3, 4)
    assert len(seen) == 12 + len(again)


def test_without_a_seat_nothing_comes_ahead(served: Any) -> None:
    with served.client() as http:
        assert http.get("/api/ahead").status_code == 401
