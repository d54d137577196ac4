"""A lead at the bench over HTTP: the queue, every vote without its author, decisions kept whole."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from labeling import consensus, referrals
from labeling.adjudication import access
from storage import lead_log, votes
from storage.lead_log import Circumstances
from storage.rows import Batch, Verdict

NAMES = ("CANARY-NAME Ada", "CANARY-NAME Ben", "CANARY-NAME Cay")


@dataclass(frozen=True)
class Lead:
    """A browser that opened a lead's link."""

    http: httpx.Client

    def state(self, **where: str) -> dict[str, Any]:
        answer = self.http.get("/api/lead/state", params=where)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def post(self, where: str, assignment: str, **fields: Any) -> httpx.Response:
        event = {} if where == "names" else {"event": str(uuid.uuid4())}
        body = {**event, "assignment": assignment, **fields}
        return self.http.post(f"/api/lead/{where}", json=body)

    def do(self, where: str, assignment: str, **fields: Any) -> dict[str, Any]:
        answer = self.post(where, assignment, **fields)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["state"]
        return found

    def decide(self, assignment: str, choice: str, note: str = "") -> dict[str, Any]:
        return self.do("decisions", assignment, kind="vote", choice=choice, note=note)

    def undo(self, assignment: str) -> dict[str, Any]:
        return self.do("decisions", assignment, kind="undo")


@pytest.fixture
def open_lead(served: Any) -> Any:
    """`open_lead(batch, "Lea")`: a lead with a cookie; for every batch without one."""
    clients: list[httpx.Client] = []

    def open_(batch: Batch | None = None, who: str = "Lea") -> Lead:
        token = access.mint(served.workspace, who, batch.name if batch else None)
        http = served.client()
        clients.append(http)
        assert http.post("/api/lead/session", json={"token": token}).status_code == 200
        return Lead(http)

    yield open_
    for http in clients:
        http.close()


@pytest.fixture
def disputed(new_batch: Any, open_link: Any) -> Batch:
    """Three pairs: Ada says A and Ben says B of all, each with notes and ratings."""
    batch: Batch = new_batch(
        pair_count=3, pictures=1, overlap=2, review_limit=2, rubric="grounding", confidence=True
    )
    for name, answer in zip(NAMES[:2], ("one", "other"), strict=True):
        person = open_link(batch, name)
        while current := person.state()["current"]:
            mine = "left" if current["left"].startswith(answer) else "right"
            ratings = {
                mine: {"accuracy": 5},
                "right" if mine == "left" else "left": {"accuracy": 2},
            }
            sent = person.post(
                "vote",
                current["assignment"],
                choice=mine,
                rubric=ratings,
                failures=["counting"],
                confidence=3,
                note=f"I count {answer}",
            )
            assert sent.status_code == 200, sent.text
    return batch


def standing_on(served: Any, item: str) -> list[lead_log.Decision]:
    """What is decided on a pair in its batch; batches of other tests have the same pairs."""
    batch_id, pair_id = item.split("-")
    with served.workspace.ledger.read() as db:
        return [one for one in lead_log.decisions(db, pair_id) if one.batch_id == batch_id]


def test_every_vote_is_shown_on_the_sides_of_the_screen_and_nobody_is_named(
    disputed: Batch, open_lead: Any
) -> None:
    lead = open_lead(disputed)
    answer = lead.http.get("/api/lead/state")
    for canary in ("CANARY-NAME", "CANARY-MODEL", "CANARY-FILE", "CANARY-LABEL", "CANARY-MINING"):
        assert canary not in answer.text
    state = answer.json()
    assert (state["done"], state["total"], state["finished"]) == (0, 3, False)
    shown = state["current"]
    assert shown["reasons"] == ["Contested: 1 for A, 1 for B"]
    assert shown["batch"] == disputed.name
    assert {vote["annotator"] for vote in shown["votes"]} == {1, 2}
    for vote in shown["votes"]:
        side, other = ("left", "right") if vote["choice"] == "left" else ("right", "left")
        assert vote["note"] == f"I count {shown[side].split()[0]}"
        (rating,) = vote["ratings"]
        assert (rating["label"], rating[side], rating[other]) == ("Accuracy", 5, 2)
        assert (vote["failures"], vote["confidence"], vote["again"]) == (["Counting"], 3, False)
        assert vote["name"] is None


def test_pictures_come_to_the_lead_and_to_nobody_else(
    disputed: Batch, open_lead: Any, open_link: Any, new_batch: Any
) -> None:
    lead, elsewhere = open_lead(disputed), open_lead(new_batch())
    (part,) = [p for p in lead.state()["current"]["messages"][0]["parts"] if p["type"] == "image"]
    assert lead.http.get(part["src"]).headers["content-type"].startswith("image/")
    assert elsewhere.http.get(part["src"]).status_code == 404
    assert open_link(disputed).http.get(part["src"]).status_code == 401
    assert lead.http.get(part["src"].removesuffix("0") + "1").status_code == 404


def test_a_decision_keeps_who_when_why_and_that_no_names_were_seen(
    served: Any, disputed: Batch, open_lead: Any
) -> None:
    lead = open_lead(disputed, "Lea of decisions")
    first = lead.state()["current"]["assignment"]
    state = lead.decide(first, "right", "there are three")
    assert (state["done"], state["total"], state["undo"]) == (1, 3, first)
    assert state["current"]["assignment"] != first
    (decision,) = standing_on(served, first)
    assert decision.decided_at > 0
    assert (decision.lead, decision.outcome, decision.reason, decision.circumstances) == (
        *("Lea of decisions", Verdict.B, "there are three", Circumstances(names_seen=False)),
    )
    with served.workspace.ledger.read() as db:
        cast = [vote for vote in votes.effective(db, disputed.id) if vote.pair_id in first]
    assert (consensus.settle(cast).outcome, consensus.settle(cast).decided_by) == (
        *(Verdict.B, "Lea of decisions"),
    )


def test_names_come_after_asking_and_the_decision_says_so(
    served: Any, disputed: Batch, open_lead: Any
) -> None:
    lead = open_lead(disputed)
    first = lead.state()["current"]["assignment"]
    state = lead.do("names", first)
    assert {vote["name"] for vote in state["current"]["votes"]} == set(NAMES[:2])
    assert state["current"]["names_seen"]
    assert {vote["name"] for vote in state["upcoming"]["votes"]} == {None}
    assert lead.state()["current"]["votes"] == state["current"]["votes"]
    lead.do("names", first)
    # asked for by Lea only
    assert "CANARY-NAME" not in open_lead(disputed, "Kim").http.get("/api/lead/state").text
    lead.decide(first, "left")
    lead.decide(lead.state()["current"]["assignment"], "left")
    (seen,), (unseen,) = (
        standing_on(served, first),
        standing_on(served, state["upcoming"]["assignment"]),
    )
    assert (seen.circumstances, unseen.circumstances) == (
        *(Circumstances(names_seen=True), Circumstances(names_seen=False)),
    )


def test_an_undo_brings_the_pair_back_and_the_log_keeps_the_decision(
    served: Any, disputed: Batch, open_lead: Any
) -> None:
    lead = open_lead(disputed)
    first = lead.state()["current"]["assignment"]
    second = lead.decide(first, "tie", "too close")["current"]["assignment"]
    lead.decide(second, "left")
    refused = lead.post("decisions", first, kind="undo")
    assert (refused.status_code, refused.json()["state"]["undo"]) == (409, second)
    assert lead.undo(second)["current"]["assignment"] == second
    state = lead.undo(first)
    assert (state["current"]["assignment"], state["done"], state["undo"]) == (first, 0, None)
    assert standing_on(served, first) == []
    with served.workspace.ledger.read() as db:
        assert "too close" in [event.note for event in votes.events(db, first.split("-")[1])]


def test_a_skipped_pair_goes_on_waiting_behind_the_others(disputed: Batch, open_lead: Any) -> None:
    lead = open_lead(disputed)
    order = [lead.state()["current"]["assignment"]]
    for _ in range(2):
        order.append(lead.state(after=order[-1])["current"]["assignment"])
    assert len(set(order)) == 3
    assert lead.state(after=order[-1])["current"]["assignment"] == order[0]
    assert lead.state(at=order[1])["current"]["assignment"] == order[1]
    # a decided pair keeps its place
    assert lead.decide(order[1], "left")["current"]["assignment"] == order[2]
    assert lead.state(at=order[1])["current"]["assignment"] == order[2]


def test_the_same_event_counts_once_and_a_pair_is_decided_by_one_lead(
    served: Any, disputed: Batch, open_lead: Any
) -> None:
    lea, kim = open_lead(disputed), open_lead(disputed, "Kim")
    first = lea.state()["current"]["assignment"]
    event = str(uuid.uuid4())
    sent = [
        lea.post("decisions", first, event=event, kind="vote", choice="left").json()
        for _ in range(2)
    ]
    assert [answer["duplicate"] for answer in sent] == [False, True]
    late = kim.post("decisions", first, kind="vote", choice="right")
    assert late.status_code == 409
    assert "decided it meanwhile" in late.json()["error"]["what"]
    assert late.json()["state"]["current"]["assignment"] != first
    assert [one.lead for one in standing_on(served, first)] == ["Lea"]


def test_a_withdrawn_pair_is_offered_to_nobody_and_settles_nothing(
    served: Any, disputed: Batch, open_lead: Any
) -> None:
    lead = open_lead(disputed)
    first = lead.state()["current"]["assignment"]
    lead.decide(first, "withdraw", "the picture is of something else")
    (decision,) = standing_on(served, first)
    assert decision.circumstances == Circumstances(names_seen=False, pair_withdrawn=True)
    with served.workspace.ledger.read() as db:
        cast = [vote for vote in votes.effective(db, disputed.id) if vote.pair_id in first]
    assert (consensus.settle(cast).settled, consensus.settle(cast).reason) == (False, "tie")


def test_an_empty_queue_is_finished(new_batch: Any, open_lead: Any) -> None:
    state = open_lead(new_batch(overlap=2)).state()
    assert (state["finished"], state["current"], state["total"], state["undo"]) == (
        *(True, None, 0, None),
    )


@pytest.fixture
def reported(new_batch: Any, open_link: Any) -> tuple[Batch, Any]:
    """Two pairs; Cay reported one, and may report the other."""
    batch = new_batch(pair_count=2, overlap=2)
    cay = open_link(batch, NAMES[2])
    report(cay, "nonsense", "what is meant?")
    return batch, cay


def report(person: Any, kind: str, note: str) -> None:
    body = {"event": str(uuid.uuid4()), "assignment": person.state()["current"]["assignment"]}
    answer = person.http.post("/api/reports", json={**body, "kind": kind, "note": note})
    assert answer.status_code == 200, answer.text


def test_a_report_reaches_the_lead_who_dismisses_it_and_may_take_that_back(
    served: Any, reported: tuple[Batch, Any], open_lead: Any
) -> None:
    batch, _ = reported
    lead = open_lead(batch)
    state = lead.state()
    shown = state["current"]
    (said,) = shown["reports"]
    assert (said["kind"], said["note"], said["name"], said["dismissed"]) == (
        *("nonsense", "what is meant?", None, False),
    )
    assert (shown["votes"], shown["contested"], state["total"]) == ([], False, 1)
    dismissed = lead.do("dismissals", shown["assignment"])
    assert (dismissed["finished"], dismissed["undo"]) == (True, shown["assignment"])
    with served.workspace.ledger.read() as db:
        assert referrals.waiting(db, batch) == []
    assert lead.post("dismissals", shown["assignment"]).status_code == 409
    assert lead.undo(shown["assignment"])["current"]["reports"] == [said]


def test_a_report_after_a_dismissal_waits_again(
    reported: tuple[Batch, Any], open_lead: Any, open_link: Any
) -> None:
    batch, _ = reported
    lead = open_lead(batch)
    item = lead.state()["current"]["assignment"]
    lead.do("dismissals", item)
    dan = open_link(batch)
    while dan.state()["current"]:
        report(dan, "broken_media", "grey")
    back = lead.state(at=item)["current"]
    assert back["assignment"] == item
    assert [(each["kind"], each["dismissed"]) for each in back["reports"]] == [
        *(("nonsense", True), ("broken_media", False)),
    ]


def test_a_lead_of_every_batch_sees_the_pairs_of_all(
    disputed: Batch, reported: tuple[Batch, Any], open_lead: Any
) -> None:
    lead, seen, item = open_lead(), set(), ""
    for _ in range(lead.state()["total"]):
        current = lead.state(**({"after": item} if item else {}))["current"]
        item = current["assignment"]
        seen.add(current["batch"])
    assert {disputed.name, reported[0].name} <= seen
