"""Reports over HTTP: the lead learns of them, and the pair counts as skipped."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from storage import reports, votes
from storage.rows import Verdict


def send(person: Any, assignment: str, **fields: Any) -> Any:
    body = {"event": str(uuid.uuid4()), "assignment": assignment, "kind": "broken_media"}
    return person.http.post("/api/reports", json={**body, **fields})


def test_a_reported_pair_counts_as_skipped_and_reaches_the_lead(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=2)
    ada, bob = open_link(batch, "Ada of reports"), open_link(batch)
    current = ada.state()["current"]
    answer = send(ada, current["assignment"], kind="nonsense", note="what is meant?")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["accepted"], answer.json()["duplicate"]) == (True, False)
    state = answer.json()["state"]
    assert (state["done"], state["can_undo"]) == (1, True)
    assert state["current"]["assignment"] != current["assignment"]
    with served.workspace.ledger.read() as db:
        (report,) = reports.listed(db, batch.id)
        (vote,) = votes.effective(db, batch.id)
        assert reports.listed(db, "nothing") == []
    assert (report.kind, report.note, report.annotator) == (
        *("nonsense", "what is meant?", "Ada of reports"),
    )
    assert (vote.verdict, vote.pair_id) == (Verdict.SKIP, report.pair_id)
    # the place is free for another; Ada holds the second pair
    assert bob.state()["total"] == 1


def test_a_report_that_is_sent_twice_counts_once(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch()
    ada = open_link(batch)
    assignment, event = ada.state()["current"]["assignment"], str(uuid.uuid4())
    answers = [send(ada, assignment, event=event).json() for _ in range(2)]
    assert [answer["duplicate"] for answer in answers] == [False, True]
    assert [answer["state"]["done"] for answer in answers] == [1, 1]
    with served.workspace.ledger.read() as db:
        assert len(reports.listed(db, batch.id)) == 1


def test_an_undo_takes_back_the_skip_and_the_report_stays(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch()
    ada = open_link(batch)
    current = ada.state()["current"]
    send(ada, current["assignment"])
    state = ada.post("undo", current["assignment"]).json()["state"]
    assert state["current"] == current
    with served.workspace.ledger.read() as db:
        assert len(reports.listed(db, batch.id)) == 1
        assert votes.effective(db, batch.id) == []


def test_a_report_on_a_pair_with_a_vote_is_refused_and_brings_the_fresh_state(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch()
    ada = open_link(batch)
    assignment, event = ada.state()["current"]["assignment"], str(uuid.uuid4())
    ada.post("vote", assignment, choice="left", event=event)
    for fields in ({}, {"event": event}):
        refused = send(ada, assignment, **fields)
        assert refused.status_code == 409
        assert refused.json()["state"]["done"] == 1
    with served.workspace.ledger.read() as db:
        assert reports.listed(db, batch.id) == []


@pytest.mark.parametrize(
    ("fields", "status", "named"),
    [
        ({"kind": "boring"}, 400, "kind"),
        ({"note": "x" * 2001}, 400, "note"),
        ({"event": "one"}, 400, "event"),
        ({"assignment": "0" * 32}, 404, "pair"),
    ],
)
def test_a_report_that_cannot_be_used_is_refused(
    new_batch: Any, open_link: Any, fields: dict[str, Any], status: int, named: str
) -> None:
    ada = open_link(new_batch())
    refused = send(ada, **{"assignment": ada.state()["current"]["assignment"], **fields})
    assert refused.status_code == status
    assert named in refused.json()["error"]["what"]


def test_nobody_reports_a_pair_of_somebody_else(new_batch: Any, open_link: Any) -> None:
    batch = new_batch(overlap=2)
    ada, bob = open_link(batch), open_link(batch)
    assert send(bob, ada.state()["current"]["assignment"]).status_code == 404
