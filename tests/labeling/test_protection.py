"""Headers, cookies, origins, sizes and rates: what keeps others out of an annotator's session."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from labeling import headers, links, page
from labeling.limits import RateLimit, origin_of
from labeling.server import ServerSettings, build_app
from storage import links as link_rows
from storage.errors import WrongInputError
from storage.workspace import Workspace


@pytest.mark.parametrize(
    "path", ["/bench/", "/j", "/api/state", "/nothing", "/static/bench.js", "/bench/theme.css"]
)
def test_every_answer_carries_the_security_headers(served: Any, path: str) -> None:
    with served.client() as http:
        found = http.get(path, headers={"Origin": "https://evil.test"}).headers
    assert found["referrer-policy"] == "no-referrer"
    assert found["x-content-type-options"] == "nosniff"
    assert found["cross-origin-opener-policy"] == "same-origin"
    assert found["cross-origin-resource-policy"] == "same-origin"
    assert "noindex" in found["x-robots-tag"]
    assert "frame-ancestors 'none'" in found["content-security-policy"]
    assert "access-control-allow-origin" not in found
    assert "server" not in found


def test_scripts_run_from_our_files_and_by_hash_only(served: Any) -> None:
    with served.client() as http:
        answer = http.get("/bench/")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert "unsafe" not in policy["script-src"]
    inline = page.script_hashes(answer.text)
    assert len(inline) == 5
    assert policy["script-src"].split() == ["'self'", *inline]
    assert "unsafe-eval" not in json.dumps(policy)


def test_the_page_is_the_same_for_every_host_name_and_query(served: Any) -> None:
    with served.client() as http:
        pages = {
            http.get("/bench/").content,
            http.get("/bench/?deep_link=x&__theme=dark").content,
            http.get("/bench/", headers={"Host": "localhost:1"}).content,
            http.get("/bench/", headers={"X-Forwarded-Host": "evil.test"}).content,
        }
    assert len(pages) == 1
    assert b"http://" not in pages.pop().replace(b"http://www.w3.org/", b"")


def test_pairs_links_and_media_are_never_stored_and_hashed_files_always() -> None:
    assert headers.caching("/api/state") == headers.caching("/j") == "no-store"
    assert headers.caching("/media/x/0") == headers.caching("/bench/") == "no-store"
    assert "immutable" in headers.caching("/bench/assets/index-abc.js")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(served: Any, new_batch: Any) -> None:
    minted = links.mint(served.workspace, new_batch().name, "Cookie reader")
    with served.client() as http:
        cookie = http.post("/api/session", json={"token": minted.token}).headers["set-cookie"]
    assert cookie.startswith("pairwright-annotator=")
    for part in ("HttpOnly", "Path=/", "SameSite=strict", "Max-Age="):
        assert part in cookie
    assert minted.token not in cookie


def test_over_https_the_cookie_is_bound_to_the_host(workspace: Workspace) -> None:
    office = build_app(workspace, ServerSettings("https://label.example")).state.office
    office.commits.close()
    assert office.cookie_name.startswith("__Host-")
    assert office.https


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.test", "http://127.0.0.1", "http://127.0.0.1:1"]
)
def test_a_post_from_another_origin_is_refused(
    new_batch: Any, open_link: Any, origin: str | None
) -> None:
    ada = open_link(new_batch())
    current = ada.state()["current"]["assignment"]
    ada.http.headers.pop("Origin")
    for path, body in (
        ("/api/presence", {"assignment": current}),
        ("/api/session", {"token": "x"}),
    ):
        sent = {"Origin": origin} if origin else {}
        assert ada.http.post(path, json=body, headers=sent).status_code == 403


def test_through_a_tunnel_to_this_machine_the_port_may_differ(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    ada = open_link(new_batch())
    body = {"assignment": ada.state()["current"]["assignment"]}
    sent = {"Host": "localhost:9999", "Origin": "http://localhost:9999"}
    assert ada.http.post("/api/presence", json=body, headers=sent).status_code == 200


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/x-www-form-urlencoded", b"a=1", 415),
        ("application/json", b"{", 400),
        ("application/json", b"", 400),
        ("application/json", b"[" * 16_000, 400),
        ("application/json", b'{"assignment": "' + b"x" * 20_000 + b'"}', 413),
        ("application/json", b'{"assignment": "../../etc"}', 400),
        ("application/json", b'{"assignment": "' + b"0" * 32 + b'", "extra": 1}', 400),
        ("application/json", b"\xff\xfe", 400),
    ],
)
def test_a_body_that_is_no_small_json_is_refused(
    new_batch: Any, open_link: Any, kind: str, content: bytes, status: int
) -> None:
    ada = open_link(new_batch())
    answer = ada.http.post("/api/presence", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["what"]


def test_a_body_without_a_length_is_cut_off_at_the_limit(new_batch: Any, open_link: Any) -> None:
    ada = open_link(new_batch())
    chunks = (b" " * 4096 for _ in range(8))
    sent = {"Content-Type": "application/json"}
    assert ada.http.post("/api/presence", content=chunks, headers=sent).status_code == 413


@pytest.mark.parametrize(
    "change",
    [
        {"choice": "a"},
        {"choice": None},
        {"kind": "undo"},
        {"kind": "delete"},
        {"event": "1"},
        {"shown_at": -1},
        {"decided_at": 10**15},
        {"active_ms": 1.5},
        {"note": 5},
        {"remark": "x"},
    ],
)
def test_a_malformed_vote_is_refused_with_the_field(
    new_batch: Any, open_link: Any, change: Any
) -> None:
    ada = open_link(new_batch())
    current = ada.state()["current"]["assignment"]
    fields = {"kind": "vote", "choice": "left", **change}
    answer = ada.post(fields.pop("kind"), current, **fields)
    assert answer.status_code == 400
    assert ada.state()["done"] == 0


def test_after_ten_failures_within_a_minute_a_client_has_to_wait(served: Any) -> None:
    office = served.app.state.office
    served.app.state.office = dataclasses.replace(office, link_tries=RateLimit(10, 60))
    try:
        with served.client() as http:
            tries = [http.post("/api/session", json={"token": f"t{n}"}) for n in range(11)]
    finally:
        served.app.state.office = office
    assert [answer.status_code for answer in tries] == [404] * 10 + [429]
    assert 0 < int(tries[-1].headers["retry-after"]) <= 60


def test_one_address_does_not_use_up_the_tries_of_another() -> None:
    limit = RateLimit(most=2, seconds=60)
    for _ in range(3):
        limit.count_failure("a")
    assert limit.wait("a") > 0
    assert limit.wait("b") == 0


def test_without_a_cookie_nothing_is_shown(served: Any) -> None:
    with served.client() as http:
        answer = http.get("/api/state")
    assert answer.status_code == 401
    assert answer.json()["error"] == {
        "what": "This browser has not opened a labeling link.",
        "next": "Open the labeling link that you were sent.",
    }


def test_a_revoked_link_is_out_with_the_next_request(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    ada = open_link(new_batch())
    current = ada.state()["current"]["assignment"]
    with served.workspace.ledger.write() as tx:
        link_rows.revoke(tx, ada.link.link.id)
    answers = [ada.http.get("/api/state"), ada.post("vote", current, choice="left")]
    assert [answer.status_code for answer in answers] == [410, 410]
    assert "withdrawn" in answers[0].json()["error"]["what"]


def test_looking_at_a_link_does_not_use_it_up(served: Any, new_batch: Any) -> None:
    minted = links.mint(served.workspace, new_batch().name, "Mail reader")
    with served.client() as scanner:
        assert {scanner.get("/j").status_code for _ in range(5)} == {200}
        assert scanner.head("/j").status_code == 200
        assert scanner.post("/api/session", json={"token": minted.token}).status_code == 200


@pytest.mark.parametrize(
    "url", ["label.example", "ftp://x", "http://", "http://x/path", "http://x?q=1"]
)
def test_a_public_url_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(WrongInputError, match="public URL"):
        ServerSettings(url)


@pytest.mark.parametrize(
    ("url", "exposed"),
    [
        ("http://127.0.0.1:7871", False),
        ("https://label.example", False),
        ("http://10.0.0.5:80", True),
    ],
)
def test_plain_http_across_a_network_is_told_apart(url: str, exposed: bool) -> None:
    assert ServerSettings(url).is_exposed is exposed


def test_origins_are_written_as_browsers_write_them() -> None:
    assert origin_of("https://label.example:443/") == "https://label.example"
    assert origin_of("http://[::1]:7871") == "http://[::1]:7871"
