"""What somebody with a link, or without one, tries against the labeling server.

The numbers are those of the attack list that the security notes of the project keep.
"""

from __future__ import annotations

import http.client
import logging
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from labeling import limits, links, server, slow_clients

_watched: list[tuple[str, Any]] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched is not None and event in ("open", "socket.connect"):
        _watched.append((event, arguments[0] if event == "open" else arguments[1]))


@pytest.fixture(scope="module")
def _hook() -> None:
    # an audit hook stays until the process ends
    sys.addaudithook(_watch)


@pytest.fixture
def seen(_hook: None) -> Iterator[list[tuple[str, Any]]]:
    """Files that are opened and addresses that are connected to during the test."""
    global _watched
    _watched = []
    yield _watched
    _watched = None


def _raw(served: Any, path: str) -> tuple[int, bytes]:
    """The answer to a path as it stands: an ordinary client would tidy it up first."""
    parts = urlsplit(served.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _spellings(target: Path) -> Iterator[str]:
    """Ways to write a file of this machine behind the addresses that serve files (T1, T2)."""
    absolute = str(target)
    for up in ("../", "..%2f", "%2e%2e/", "..%5c", "..%252f", "....//", "%c0%ae%c0%ae/"):
        for place in ("/static/", "/media/", "/bench/assets/", "/bench/static/img/"):
            yield (
                place + up * 12 + absolute.lstrip("/").replace("/", up[-1] if up[-1] == "/" else up)
            )
            yield place + up * 12 + absolute.lstrip("/")
    for place in ("/static/", "/media/", "/media/0/", "/bench/assets/"):
        yield place + absolute
        yield place + quote(absolute, safe="")
        yield place + "%00" + absolute
        yield place + "bench.js%00" + absolute
        yield place + "//127.0.0.1/share" + absolute
        yield place + "%5C%5C127.0.0.1%5Cshare"
        yield place + "file:" + absolute
    yield absolute
    yield "/" + absolute
    yield "/static/" + "a/" * 2000


def test_no_spelling_of_a_path_opens_a_file_of_the_machine(
    served: Any, tmp_path: Path, seen: list[tuple[str, Any]]
) -> None:
    target = tmp_path / "secret.css"
    target.write_text("CANARY", encoding="utf-8")
    seen.clear()
    spellings = list(_spellings(target))
    for path in spellings:
        status, body = _raw(served, path)
        assert status in (400, 404), path
        assert b"CANARY" not in body
    opened = [str(name) for event, name in seen if event == "open"]
    assert [name for name in opened if "secret" in name or "share" in name] == []
    assert len(spellings) > 80


def test_a_link_in_the_media_folder_leads_nowhere(
    served: Any, new_batch: Any, open_link: Any, tmp_path: Path
) -> None:
    ada = open_link(new_batch(pair_count=1, pictures=1))
    [part] = [p for p in ada.state()["current"]["messages"][0]["parts"] if "src" in p]
    before = set(_media_files(served))
    assert ada.http.get(part["src"]).status_code == 200
    (tmp_path / "outside").write_bytes(b"CANARY outside of the store")
    shown = ada.http.get(part["src"]).content
    [file] = [each for each in before if each.read_bytes() == shown]
    kept = file.rename(tmp_path / "kept")
    file.symlink_to(tmp_path / "outside")
    try:
        answer = ada.http.get(part["src"])
    finally:
        file.unlink()
        kept.rename(file)
    assert answer.status_code == 404
    assert b"CANARY" not in answer.content
    assert ada.http.get(part["src"]).content == shown


def _media_files(served: Any) -> Iterator[Path]:
    return (file for file in (served.workspace.home / "media").rglob("*") if file.is_file())


def test_the_server_connects_to_nothing_that_a_text_names(
    served: Any, new_batch: Any, open_link: Any, seen: list[tuple[str, Any]]
) -> None:
    ada = open_link(new_batch(pair_count=2))
    current = ada.state()["current"]["assignment"]
    told = "![x](http://169.254.169.254/latest) http://127.0.0.1:1/ file:///etc/passwd gopher://x"
    body = {"event": "6b0a1f52-7a51-4d3c-8a5b-1f3f6f6f0001", "kind": "other", "note": told}
    seen.clear()
    answer = ada.http.post("/api/reports", json={**body, "assignment": current})
    assert answer.status_code == 200
    assert ada.post("vote", answer.json()["state"]["current"]["assignment"], choice="left")
    port = urlsplit(served.url).port
    assert {address for event, address in seen if event == "socket.connect"} <= {
        ("127.0.0.1", port)
    }


def test_connections_that_never_finish_keep_nobody_out(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    parts = urlsplit(served.url)
    hanging = [socket.create_connection((str(parts.hostname), parts.port)) for _ in range(200)]
    try:
        for number, each in enumerate(hanging):
            head = f"POST /api/votes HTTP/1.1\r\nHost: {parts.netloc}\r\nOrigin: {served.url}\r\n"
            body = "Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{" * (number % 2)
            each.sendall((head + body).encode())
        ada = open_link(new_batch(pair_count=1))
        assert ada.vote("left")["done"] == 1
    finally:
        for each in hanging:
            each.close()


def test_a_request_whose_head_or_body_does_not_come_is_ended(
    served: Any, new_batch: Any, open_link: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.2)
    parts = urlsplit(served.url)
    head = f"POST /api/votes HTTP/1.1\r\nHost: {parts.netloc}\r\nOrigin: {served.url}\r\n"
    body = "Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
    look = f"GET /healthz HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n"
    # nothing; half a head; half a head after a request that was answered; half a body
    for first, then, told in (
        ("", "", b""),
        ("", head, b""),
        (look, head, b""),
        ("", head + body, b"408"),
    ):
        with monkeypatch.context() as hurry:
            # what is to arrive whole has all its time, on a busy machine too
            if not first and not told:
                hurry.setattr(slow_clients.PromptProtocol, "head_seconds", 0.2)
            with socket.create_connection((str(parts.hostname), parts.port), 120) as hanging:
                if first:
                    hanging.sendall(first.encode())
                    assert b"200 OK" in hanging.recv(65_536)
                    hurry.setattr(slow_clients.PromptProtocol, "head_seconds", 0.2)
                hanging.sendall(then.encode())
                rest = b"".join(iter(lambda end=hanging: end.recv(65_536), b""))
        assert rest.split(b"\r\n")[0].split(b" ")[1:2] == ([told] if told else [])
    ada = open_link(new_batch(pair_count=1))
    assert ada.vote("left")["done"] == 1


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://127.0.0.1.evil.test"])
def test_no_address_lets_another_origin_read_or_write(
    served: Any, new_batch: Any, open_link: Any, origin: str
) -> None:
    ada = open_link(new_batch(pair_count=2, pictures=1))
    state = ada.state()
    current = state["current"]["assignment"]
    looks = ["/", "/j", "/bench/", "/healthz", "/api/state", f"/media/{current}/0", "/favicon.ico"]
    for path in [*looks, "/static/bench.js", "/bench/theme.css", "/lead/", "/api/lead/state"]:
        found = ada.http.get(path, headers={"Origin": origin}).headers
        assert not [name for name in found if name.startswith("access-control")], path
        assert found["x-frame-options"] == "DENY"
    for path in ("session", "votes", "reports", "presence", "lead/session", "lead/decisions"):
        sent = {"Origin": origin}
        answer = ada.http.post(f"/api/{path}", json={"assignment": current}, headers=sent)
        assert answer.status_code == 403, path
        asked = {**sent, "Access-Control-Request-Method": "POST"}
        assert ada.http.options(f"/api/{path}", headers=asked).status_code == 404
    assert ada.state() == state


def test_ids_of_others_and_of_other_batches_are_as_unknown_as_what_never_was(
    new_batch: Any, open_link: Any
) -> None:
    batch, other = new_batch(overlap=2, pictures=1), new_batch(pictures=1)
    ada, bob = open_link(batch, "Ada of two"), open_link(batch)
    # the same person, but by a link to another batch
    elsewhere = open_link(other, "Ada of two")
    voted = ada.state()["current"]["assignment"]
    ada.vote("left")
    hers = ada.state()["current"]["assignment"]
    for assignment in (voted, hers, hers.upper(), "0" * 32):
        for caller in (bob, elsewhere):
            before = caller.state()
            answers = list(_every_use(caller, assignment))
            statuses = {answer.status_code for answer in answers}
            assert statuses == (
                {404} if assignment.islower() or assignment.isdigit() else {400, 404}
            )
            assert caller.state() == before
    unknown, known = (list(_every_use(bob, each)) for each in ("0" * 32, hers))
    assert [answer.content for answer in unknown] == [answer.content for answer in known]
    assert ada.state()["undo"] == voted


def _every_use(caller: Any, assignment: str) -> Iterator[Any]:
    yield caller.post("vote", assignment, choice="left")
    yield caller.post("undo", assignment)
    report = {"event": "6b0a1f52-7a51-4d3c-8a5b-1f3f6f6f0002", "kind": "other", "note": ""}
    yield caller.http.post("/api/reports", json={**report, "assignment": assignment})
    yield caller.http.post("/api/presence", json={"assignment": assignment})
    yield caller.http.get(f"/media/{assignment}/0")


@pytest.mark.parametrize(
    "query", ["next=https://evil.test", "redirect=//evil.test", "url=javascript:alert(1)"]
)
def test_a_redirect_goes_to_the_bench_whatever_is_asked(served: Any, query: str) -> None:
    with served.client() as browser:
        for path in ("/", "/bench"):
            answer = browser.get(f"{path}?{query}", headers={"X-Forwarded-Host": "evil.test"})
            assert answer.status_code == 307
            assert answer.headers["location"] == "/bench/"


def test_a_cookie_that_was_planted_is_never_taken_over(served: Any, new_batch: Any) -> None:
    minted = links.mint(served.workspace, new_batch().name, "Planted")
    with served.client() as browser:
        browser.cookies.set("pairwright-annotator", "planted")
        assert browser.get("/api/state").status_code == 401
        answer = browser.post("/api/session", json={"token": minted.token})
        assert "planted" not in answer.headers["set-cookie"]
    with served.client() as attacker:
        attacker.cookies.set("pairwright-annotator", "planted")
        assert attacker.get("/api/state").status_code == 401


def test_nothing_at_rest_and_no_line_of_the_log_opens_a_bench(
    served: Any, new_batch: Any, open_link: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ada = open_link(new_batch(pair_count=1))
    ada.vote("left")
    secret = ada.link.token.split("_", 2)[2]
    [cookie] = ada.http.cookies.jar
    ours = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    told = [record.getMessage() for record in ours]
    kept = [file for file in served.workspace.home.rglob("*") if file.is_file()]
    assert any(file.name.endswith("ledger.sqlite") for file in kept)
    for hidden in (secret, str(cookie.value)):
        assert not [line for line in told if hidden in line]
        assert not [file for file in kept if hidden.encode() in file.read_bytes()]


def test_a_line_of_the_log_is_one_line_without_control_characters() -> None:
    told = "x\nERROR faked: all is well\r\x1b[2J\x07\u2028\u202e"
    record = logging.LogRecord("x", logging.ERROR, "", 1, "bad %s", (told,), None)
    line = server.RedactingFormatter("%(levelname)s %(message)s").format(record)
    assert line.isprintable()
    assert line.startswith("ERROR bad x\\nERROR faked")
