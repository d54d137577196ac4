"""Quota and pace of a link, and the guidelines that a vote was cast under."""

from __future__ import annotations

from typing import Any

from labeling.limits import Paces
from storage import batches, votes


def test_a_link_with_a_quota_ends_at_its_number_of_pairs(new_batch: Any, open_link: Any) -> None:
    batch = new_batch(pair_count=4)
    ada = open_link(batch, quota=2)
    first = ada.state()
    assert (first["total"], first["quota"], first["batch"]["pairs"]) == (2, 2, None)
    assert ada.vote()["upcoming"] is None
    last = ada.vote()
    assert (last["finished"], last["current"], last["done"]) == (True, None, 2)
    assert last["batch"]["pairs"] == 4
    assert open_link(batch, "Ben of all").state()["total"] == 2


def test_a_vote_beyond_the_quota_is_refused_and_an_undo_makes_room(
    new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=3)
    wide = open_link(batch, "Cleo")
    on_desk = [wide.state()[name]["assignment"] for name in ("current", "upcoming")]
    narrow = open_link(batch, "Cleo", quota=1)
    assert narrow.state()["upcoming"] is None
    assert narrow.post("vote", on_desk[0], choice="left").status_code == 200
    refused = narrow.post("vote", on_desk[1], choice="left")
    assert refused.status_code == 409
    assert "is for 1 pair," in refused.json()["error"]["what"]
    assert narrow.post("undo", on_desk[0]).status_code == 200
    assert narrow.post("vote", on_desk[1], choice="left").status_code == 200


def test_a_link_takes_no_more_votes_in_a_minute_than_its_pace(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=6)
    ada = open_link(batch, pace=2)
    ada.vote()
    third = ada.vote()["current"]["assignment"]
    refused = ada.post("vote", third, choice="left")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert "takes 2 votes per minute" in refused.json()["error"]["what"]
    assert ada.state()["current"]["assignment"] == third
    # one link of a room does not hold the others back
    open_link(batch).vote()
    with served.workspace.ledger.read() as db:
        assert len(votes.effective(db, batch.id)) == 3


def test_a_pace_comes_back_little_by_little() -> None:
    moment = [0.0]
    paces = Paces(clock=lambda: moment[0])
    assert [paces.take("link", 60) for _ in range(61)] == [True] * 60 + [False]
    assert paces.take("other link", 60)
    moment[0] = 0.9
    assert not paces.take("link", 60)
    moment[0] = 2.0
    assert [paces.take("link", 60) for _ in range(3)] == [True, True, False]
    moment[0] = 1e6
    assert [paces.take("link", 60) for _ in range(61)] == [True] * 60 + [False]


def test_a_vote_records_the_version_of_the_guidelines_that_stood_on_the_page(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=4, guidelines="Be fair.")
    ada = open_link(batch)
    shown = ada.state()
    assert shown["batch"]["guidelines_version"] == 1
    with served.workspace.ledger.write() as tx:
        batches.update(tx, batch.id, guidelines="Be fair and quick.")
    later = ada.state()["batch"]
    assert (later["guidelines"], later["guidelines_version"]) == ("Be fair and quick.", 2)
    cast = (1, 2, None)
    for version in cast:
        fields = {} if version is None else {"guidelines_version": version}
        assignment = ada.state()["current"]["assignment"]
        assert ada.post("vote", assignment, choice="left", **fields).status_code == 200
    assignment = ada.state()["current"]["assignment"]
    unknown = ada.post("vote", assignment, choice="left", guidelines_version=3)
    assert unknown.status_code == 400
    with served.workspace.ledger.read() as db:
        found = votes.effective(db, batch.id)
        kept = {
            event.assignment_id: event.guidelines_version
            for vote in found
            for event in votes.events(db, vote.pair_id)
        }
    assert [kept[vote.assignment_id] for vote in found] == list(cast)
