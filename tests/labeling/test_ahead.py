"""Pairs for a browser to go on with when the network is gone."""

from __future__ import annotations

from typing import Any

import pytest

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


def test_what_somebody_judges_without_a_network_is_left_to_them_while_there_are_other_pairs(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    # two more for Bob's desk
    batch = new_batch(pair_count=2 * desk.STOCK + desk.ON_THE_DESK)
    ada, bob = open_link(batch), open_link(batch)
    hers = ahead(ada)
    for _ in range(desk.STOCK):
        bob.vote("left")
    for each in hers:
        assert ada.post("vote", each.assignment, choice="left").status_code == 200
    with served.workspace.ledger.read() as db:
        found = votes.effective(db, batch.id)
    assert len(found) == len({vote.pair_id for vote in found}) == 2 * desk.STOCK


def test_no_more_pairs_come_ahead_than_the_link_is_for(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=8)
    ada = open_link(batch, "Ada with a quota")
    token = links.mint(served.workspace, batch.name, "Ada with a quota", quota=3).token
    assert ada.http.post("/api/session", json={"token": token}).status_code == 200
    assert len(ahead(ada)) == 3


@pytest.mark.parametrize("choice", ["left", "skip"])
def test_how_many_pairs_come_ahead_does_not_tell_that_a_repeat_is_due(
    new_batch: Any, open_link: Any, choice: str
) -> None:
    # due after six or seven pairs, before anything was judged; what is skipped is not repeated
    often, never = (
        open_link(new_batch(pair_count=20, repeat_rate=rate), f"Ada at {rate}, {choice}")
        for rate in (0.5, 0)
    )
    for _ in range(8):
        assert [len(ahead(each)) for each in (often, never)] == [desk.STOCK] * 2
        for each in (often, never):
            each.vote(choice)


def test_repeats_come_among_the_pairs_ahead(new_batch: Any, open_link: Any) -> None:
    ada = open_link(new_batch(pair_count=20, repeat_rate=0.5), "Ada among repeats")
    seen: list[str] = []
    while current := ada.state()["current"]:
        # as browsers do, which ask when few are left
        if len(seen) % 4 == 0:
            ahead(ada)
        seen.append(current["messages"][0]["parts"][-1]["text"])
        assert ada.post("vote", current["assignment"], choice="left").status_code == 200
    again = [place for place, text in enumerate(seen, start=1) if text in seen[: place - 1]]
    assert desk.STOCK < again[0] < 20
    assert len(again) in (7, 8)
    assert len(seen) == 20 + len(again)


def test_a_pair_that_becomes_contested_is_the_next_one_after_those_ahead(
    new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=20, overlap=3)
    ada, bob = open_link(batch), open_link(batch)
    known = ahead(ada)

    def on_screen(person: Any) -> str:
        return str(person.state()["current"]["messages"][0]["parts"][-1]["text"])

    while on_screen(bob) in {each.messages[0].parts[-1].text for each in known}:
        bob.vote("left")
    close = on_screen(bob)
    bob.vote("tie")
    # sides are drawn: a left of hers could contradict his left and make another contested pair
    ada.vote("skip")
    # nothing moves on the screen of somebody at work; who comes now gets it at once
    after = ahead(ada)
    assert [each.assignment for each in after[:-1]] == [each.assignment for each in known[1:]]
    assert after[-1].messages[0].parts[-1].text == close
    assert on_screen(open_link(batch)) == close


def test_without_a_seat_nothing_comes_ahead(served: Any) -> None:
    with served.client() as http:
        assert http.get("/api/ahead").status_code == 401
