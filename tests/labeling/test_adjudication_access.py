"""Who reaches a lead's bench: the console's link, once and soon; no annotator's link or cookie."""

from __future__ import annotations

from typing import Any

import pytest

from labeling import links
from labeling.adjudication import access
from labeling.refusals import RefusedError
from storage import annotators, batches, clock, lead_sessions, pairs
from storage.errors import ConflictError, NotFoundError
from storage.workspace import Workspace

SECRET = b"s" * 32
ROUTES = (
    ("GET", "/api/lead/state", None),
    ("POST", "/api/lead/decisions", {"kind": "vote", "choice": "left"}),
    ("POST", "/api/lead/dismissals", {}),
    ("POST", "/api/lead/names", {}),
)
EVENT = "00000000-0000-4000-8000-000000000001"
ANNOTATORS_ROUTES = (
    ("GET", "/api/state", None),
    ("POST", "/api/votes", {"event": EVENT, "kind": "vote", "choice": "left"}),
    ("POST", "/api/reports", {"event": EVENT, "kind": "other"}),
    ("POST", "/api/presence", {}),
)


def ask(http: Any, method: str, path: str, body: dict[str, Any] | None, assignment: str) -> int:
    sent = None if body is None else {**body, "assignment": assignment}
    if sent is not None and path.startswith("/api/lead/") and not path.endswith("names"):
        sent["event"] = EVENT
    status: int = http.request(method, path, json=sent).status_code
    return status


def test_an_annotators_cookie_and_link_open_nothing_of_a_lead(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch()
    ada = open_link(batch, "Ada of access")
    item = f"{batch.id}-{'0' * 64}"
    for method, path, body in ROUTES:
        assert ask(ada.http, method, path, body, item) == 401
    # the same value under the name of the lead's cookie
    ada.http.cookies.set("pairwright-lead", ada.http.cookies["pairwright-annotator"])
    for method, path, body in ROUTES:
        assert ask(ada.http, method, path, body, item) == 401
    with served.client() as http:
        assert http.post("/api/lead/session", json={"token": ada.link.token}).status_code == 404
        assert not http.cookies


def test_a_leads_cookie_and_link_open_nothing_of_an_annotator(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch()
    held = open_link(batch).state()["current"]["assignment"]
    token = access.mint(served.workspace, "Lea", batch.name)
    with served.client() as http:
        assert http.post("/api/session", json={"token": token}).status_code == 404
        answer = http.post("/api/lead/session", json={"token": token})
        cookie = answer.headers["set-cookie"]
        for part in ("HttpOnly", "Path=/", "SameSite=strict", "Max-Age=28800"):
            assert part in cookie
        assert list(http.cookies) == ["pairwright-lead"]
        assert http.get("/api/lead/state").status_code == 200
        http.cookies.set("pairwright-annotator", http.cookies["pairwright-lead"])
        for method, path, body in ANNOTATORS_ROUTES:
            assert ask(http, method, path, body, held) == 401
        assert http.get(f"/media/{held}/0").status_code == 401


def test_a_lead_of_one_batch_reaches_no_pair_of_another(served: Any, new_batch: Any) -> None:
    mine, other = new_batch(), new_batch()
    with served.workspace.ledger.read() as db:
        pair_id = pairs.page(db, pairs.PairFilter(batch=other.name), 1)[0].pair.id
    token = access.mint(served.workspace, "Lea", mine.name)
    with served.client() as http:
        assert http.post("/api/lead/session", json={"token": token}).status_code == 200
        for method, path, body in ROUTES[1:]:
            assert ask(http, method, path, body, f"{other.id}-{pair_id}") == 404
            assert ask(http, method, path, body, f"{mine.id}-{'0' * 64}") == 404
            assert ask(http, method, path, body, "x") == 400
        assert http.get(f"/api/lead/state?at={other.id}-{pair_id}").status_code == 404


def test_a_link_opens_once(served: Any, new_batch: Any) -> None:
    token = access.mint(served.workspace, "Lea", new_batch().name)
    with served.client() as first, served.client() as second:
        assert first.post("/api/lead/session", json={"token": token}).status_code == 200
        again = second.post("/api/lead/session", json={"token": token})
        assert (again.status_code, "opens once" in again.text) == (410, True)


@pytest.fixture
def token(workspace: Workspace) -> str:
    with workspace.ledger.write() as tx:
        batches.create(tx, "first")
    return access.mint(workspace, "Lea", "first")


def test_one_browser_of_a_lead_is_closed_with_its_next_request_and_the_others_go_on(
    served: Any, new_batch: Any
) -> None:
    batch = new_batch()
    with served.client() as lost, served.client() as mine:
        for http in (lost, mine):
            token = access.mint(served.workspace, "Lea of two", batch.name)
            assert http.post("/api/lead/session", json={"token": token}).status_code == 200
        with served.workspace.ledger.write() as tx:
            named = [one for one in lead_sessions.running(tx) if one.batch_id == batch.id]
            of_lost = named[-1].id
            assert lost.cookies["pairwright-lead"].split("_")[2] == of_lost
            lead_sessions.revoke(tx, of_lost)
        item = f"{batch.id}-{'0' * 64}"
        for method, path, body in ROUTES:
            assert ask(lost, method, path, body, item) == 401
        assert "closed for this browser" in lost.get("/api/lead/state").text
        assert mine.get("/api/lead/state").status_code == 200
    with served.workspace.ledger.read() as db:
        assert [one.id for one in lead_sessions.running(db) if one.batch_id == batch.id] == [
            named[0].id
        ]


def test_a_link_ends_after_two_minutes_and_a_cookie_after_eight_hours(
    workspace: Workspace, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace.ledger.write() as db:
        entry = access.exchange(db, token, workspace.secret())
        seat = access.authorize(db, entry.cookie, workspace.secret())
        assert (seat.lead.name, entry.seconds) == ("Lea", 8 * 3600)
        now = clock.now(db)
        monkeypatch.setattr(clock, "now", lambda _: now + 121 * clock.SECOND)
        with pytest.raises(RefusedError, match="two minutes"):
            access.exchange(db, token, workspace.secret())
        assert access.authorize(db, entry.cookie, workspace.secret()).batch_id == seat.batch_id
        monkeypatch.setattr(clock, "now", lambda _: now + (8 * 3600 + 1) * clock.SECOND)
        with pytest.raises(RefusedError, match="8 hours"):
            access.authorize(db, entry.cookie, workspace.secret())


def test_no_part_of_a_link_can_be_changed_and_it_is_no_cookie(
    workspace: Workspace, token: str
) -> None:
    words = token.split("_")
    every = "_".join([words[0], words[1], "all", *words[3:]])
    later = token.replace(words[4], str(int(words[4]) + 1), 1)
    with workspace.ledger.write() as db:
        for forged in (every, later, token[:-1], token.removeprefix("pwl_"), "pwl_", ""):
            with pytest.raises(RefusedError, match="not valid"):
                access.exchange(db, forged, workspace.secret())
        with pytest.raises(RefusedError, match="not valid"):
            access.exchange(db, token, SECRET)
        entry = access.exchange(db, token, workspace.secret())
        for wrong in (token, token.removeprefix("pwl_"), entry.cookie + "x", None):
            with pytest.raises(RefusedError, match="has not opened"):
                access.authorize(db, wrong, workspace.secret())
        with pytest.raises(RefusedError, match="not valid"):
            access.exchange(db, f"pwl_{entry.cookie}", workspace.secret())


def test_a_link_needs_a_batch_that_is_there_and_a_person(workspace: Workspace) -> None:
    with workspace.ledger.write() as tx:
        annotators.get_or_create(tx, "robot", simulated=True)
    with pytest.raises(NotFoundError):
        access.mint(workspace, "Lea", "nothing")
    with pytest.raises(ConflictError):
        access.mint(workspace, "robot")
    address = access.address(workspace, "https://label.example/", "Lea")
    assert address.startswith("https://label.example/j#pwl_")
    assert links.split_token(address.split("#")[1]) is None
