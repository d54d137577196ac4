"""Pairs, votes and undos over HTTP: nothing is lost, nothing counts twice, sides are translated."""

from __future__ import annotations

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from labeling import sides
from storage import assignments, clock, pairs, votes
from storage.rows import Batch, EffectiveVote


def effective(served: Any, batch: Batch) -> list[EffectiveVote]:
    with served.workspace.ledger.read() as db:
        return votes.effective(db, batch.id)


def test_every_pair_of_a_batch_comes_once_and_then_it_is_finished(
    new_batch: Any, open_link: Any
) -> None:
    ada = open_link(new_batch(pair_count=4))
    seen = []
    state = ada.state()
    while not state["finished"]:
        assert state["current"]["position"] == state["done"] + 1
        assert state["total"] == 4
        seen.append(state["current"]["messages"][0]["parts"][0]["text"])
        state = ada.vote("right")
    assert sorted(seen) == [f"Question {n}?" for n in range(4)]
    assert (state["done"], state["current"], state["upcoming"]) == (4, None, None)


def test_the_pair_after_a_vote_is_the_one_that_was_upcoming(new_batch: Any, open_link: Any) -> None:
    ada = open_link(new_batch())
    before = ada.state()
    assert ada.vote()["current"]["assignment"] == before["upcoming"]["assignment"]


def test_loading_again_shows_the_same_pair_with_the_same_sides(
    new_batch: Any, open_link: Any
) -> None:
    ada = open_link(new_batch())
    assert [ada.state()["current"] for _ in range(3)] == [ada.state()["current"]] * 3


def test_what_is_chosen_on_the_screen_is_kept_in_canonical_orientation(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=6)
    ada = open_link(batch)
    chosen = {}
    for number in range(6):
        current = ada.state()["current"]
        side = ("left", "right")[number % 2]
        chosen[current["messages"][0]["parts"][0]["text"]] = current[side]
        ada.vote(side)
    with served.workspace.ledger.read() as db:
        for vote in votes.effective(db, batch.id):
            view = pairs.view(db, vote.pair_id)
            winner = {"a": view.text_a, "b": view.text_b}[vote.verdict.value]
            assert winner == chosen[view.prompt.turns[0].parts[0].text]


def test_sides_are_drawn_evenly() -> None:
    drawn = Counter(sides.draw() for _ in range(4000))
    # eight standard deviations
    assert abs(drawn["a"] - 2000) < 250


def test_the_same_event_again_is_accepted_and_counts_once(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch()
    ada = open_link(batch)
    assignment, event = ada.state()["current"]["assignment"], str(uuid.uuid4())
    answers = [ada.post("vote", assignment, choice="left", event=event) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 200]
    assert [a.json()["duplicate"] for a in answers] == [False, True, True]
    assert len(effective(served, batch)) == 1


def test_posts_of_one_event_at_the_same_time_count_once(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch()
    ada = open_link(batch)
    assignment, event = ada.state()["current"]["assignment"], str(uuid.uuid4())
    with ThreadPoolExecutor(8) as threads:
        posts = [
            threads.submit(ada.post, "vote", assignment, choice="tie", event=event)
            for _ in range(8)
        ]
        assert {post.result().status_code for post in posts} == {200}
    assert len(effective(served, batch)) == 1


def test_a_second_vote_on_an_answered_pair_is_refused_and_brings_the_fresh_state(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch()
    ada = open_link(batch)
    assignment = ada.state()["current"]["assignment"]
    after = ada.post("vote", assignment, choice="left").json()["state"]
    second = ada.post("vote", assignment, choice="right")
    assert second.status_code == 409
    assert "already" in second.json()["error"]["what"]
    assert second.json()["state"] == after
    assert len(effective(served, batch)) == 1


def test_undo_takes_back_the_last_vote_again_and_again_with_the_same_sides(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch()
    ada = open_link(batch)
    shown = []
    for choice in ("left", "skip", "tie"):
        shown.append(ada.state()["current"])
        ada.vote(choice)
    assert ada.state()["finished"]
    for expected in reversed(shown):
        state = ada.post("undo", ada.state()["undo"]).json()["state"]
        assert state["current"] == expected
    assert not state["can_undo"]
    assert effective(served, batch) == []


def test_undo_of_anything_but_the_last_vote_is_refused(new_batch: Any, open_link: Any) -> None:
    ada = open_link(new_batch())
    first = ada.state()["current"]["assignment"]
    ada.vote()
    ada.vote()
    refused = ada.post("undo", first)
    assert refused.status_code == 409
    assert refused.json()["state"]["done"] == 2


def test_an_undo_that_is_posted_twice_takes_back_one_vote(new_batch: Any, open_link: Any) -> None:
    ada = open_link(new_batch())
    ada.vote()
    ada.vote()
    last, event = ada.state()["undo"], str(uuid.uuid4())
    answers = [ada.post("undo", last, event=event) for _ in range(2)]
    assert [a.json()["duplicate"] for a in answers] == [False, True]
    assert answers[-1].json()["state"]["done"] == 1


def test_both_bad_is_refused_unless_the_batch_allows_it(new_batch: Any, open_link: Any) -> None:
    strict, open_ = open_link(new_batch()), open_link(new_batch(both_bad=True))
    assert not strict.state()["batch"]["both_bad"]
    refused = strict.post("vote", strict.state()["current"]["assignment"], choice="both_bad")
    assert refused.status_code == 400
    assert open_.vote("both_bad")["done"] == 1


def test_what_belongs_to_somebody_else_is_as_unknown_as_what_never_was(
    new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(overlap=2)
    ada, bob = open_link(batch), open_link(batch)
    hers = ada.state()["current"]["assignment"]
    answers = [
        (
            bob.post("vote", assignment, choice="left"),
            bob.http.post("/api/presence", json={"assignment": assignment}),
        )
        for assignment in (hers, "0" * 32)
    ]
    assert [[a.status_code for a in pair] for pair in answers] == [[404, 404], [404, 404]]
    assert answers[0][0].json() == answers[1][0].json()


def test_two_annotators_on_one_batch_share_its_pairs_up_to_the_overlap(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    # sides are drawn, so votes for the left may contradict each other
    batch = new_batch(pair_count=3, overlap=2, review_limit=0)
    people = [open_link(batch) for _ in range(3)]
    while not all(person.state()["finished"] for person in people):
        for person in people:
            if person.state()["current"]:
                person.vote()
    counts = Counter(vote.pair_id for vote in effective(served, batch))
    assert sorted(counts.values()) == [2] * 3


def test_presence_holds_a_pair_for_another_fifteen_minutes(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    ada = open_link(new_batch())
    current = ada.state()["current"]["assignment"]
    with served.workspace.ledger.write() as tx:
        tx.exec_driver_sql(
            "UPDATE assignments SET leased_until = offered_at WHERE id = ?", (current,)
        )
    assert ada.http.post("/api/presence", json={"assignment": current}).json() == {"held": True}
    with served.workspace.ledger.read() as db:
        held = assignments.get(db, current)
        assert held is not None
        left = held.leased_until - clock.now(db)
    assert 14 * 60 * clock.SECOND < left <= 15 * 60 * clock.SECOND


def test_a_vote_after_the_lease_ran_out_and_somebody_else_voted_is_kept_beyond_the_overlap(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=1)
    ada, bob = open_link(batch), open_link(batch)
    hers = ada.state()["current"]["assignment"]
    assert bob.state()["finished"]
    with served.workspace.ledger.write() as tx:
        tx.exec_driver_sql("UPDATE assignments SET leased_until = 0 WHERE id = ?", (hers,))
    bob.vote()
    answer = ada.post("vote", hers, choice="left")
    assert answer.status_code == 200
    assert (answer.json()["state"]["done"], answer.json()["state"]["undo"]) == (1, hers)
    assert len(effective(served, batch)) == 1
    with served.workspace.ledger.read() as db:
        assert len(votes.cast(db, batch.id)) == 2
    # taken back, it is gone from her desk too: nobody waits for it
    after = ada.post("undo", hers).json()["state"]
    assert (after["done"], after["current"], after["finished"]) == (0, None, True)
    assert len(effective(served, batch)) == 1


def test_an_empty_batch_is_finished_from_the_start(new_batch: Any, open_link: Any) -> None:
    state = open_link(new_batch(pair_count=0)).state()
    assert (state["finished"], state["done"], state["batch"]["pairs"]) == (True, 0, 0)
