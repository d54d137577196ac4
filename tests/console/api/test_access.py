"""Who may call the API: keys that are wrong, withdrawn, expired or too weak, and browsers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from console.api import keys, server
from storage import api_keys, tables

Api = Any


def _problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    body: dict[str, str] = answer.json()
    assert set(body) == {"what", "next_step"}
    return body["what"]


def test_health_needs_no_key_and_everything_else_does(api: Api) -> None:
    with api.calling(token="") as anybody:
        assert anybody.get("/health").json()["status"] == "ok"
        addresses = anybody.get("/openapi.json").json()["paths"]
        asked = [(method, path) for path, methods in addresses.items() for method in methods]
        assert len(asked) >= 9
        for method, path in asked:
            if path != "/health":
                answer = anybody.request(method, path.replace("{", "").replace("}", ""))
                assert "no API key" in _problem(answer, 401)
                assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["nonsense", "pwk_0123456789abcdef_" + "s" * 43])
def test_a_wrong_key_is_refused(api: Api, token: str) -> None:
    with api.calling(token=token) as stranger:
        assert "not known" in _problem(stranger.get("/v1/jobs"), 401)


def test_a_right_id_with_another_secret_is_refused(api: Api) -> None:
    token = keys.mint(api.workspace, "swapped").token
    with api.calling(token=token[:-1] + ("A" if token[-1] != "A" else "B")) as stranger:
        assert "not known" in _problem(stranger.get("/v1/jobs"), 401)


def test_a_revoked_key_stops_at_once(api: Api) -> None:
    minted = keys.mint(api.workspace, "leaver")
    with api.calling(token=minted.token) as program:
        assert program.get("/v1/jobs").status_code == 200
        with api.workspace.ledger.write() as tx:
            api_keys.revoke(tx, "leaver")
        assert "was revoked" in _problem(program.get("/v1/jobs"), 401)


def test_an_expired_key_is_refused_by_the_clock_of_the_ledger(api: Api) -> None:
    minted = keys.mint(api.workspace, "visitor", expires="30m")
    with api.calling(token=minted.token) as program:
        assert program.get("/v1/jobs").status_code == 200
        with api.workspace.ledger.write() as tx:
            this = tables.api_keys.c.id == minted.key.id
            ended = update(tables.api_keys).where(this)
            tx.execute(ended.values(expires_at=minted.key.created_at))
        assert "has expired" in _problem(program.get("/v1/jobs"), 401)


def test_a_key_that_reads_changes_nothing(api: Api) -> None:
    with api.calling("read") as reader:
        for path in ("/v1/jobs", "/v1/datasets", "/v1/jobs/x/cancel"):
            assert "may only read" in _problem(reader.post(path, json={}), 403)
        assert reader.get("/v1/jobs").status_code == 200


def test_the_ledger_keeps_no_secret_and_notes_the_use(api: Api) -> None:
    minted = keys.mint(api.workspace, "ci")
    with api.calling(token=minted.token) as program:
        assert program.get("/v1/jobs").status_code == 200
    secret = minted.token.rpartition("_")[2]
    with api.workspace.ledger.read() as db:
        assert secret not in str(db.execute(select(tables.api_keys)).all())
        used = api_keys.get(db, minted.key.id)
    assert used is not None
    assert used.last_used_at is not None


def test_browsers_and_other_host_names_are_refused(api: Api) -> None:
    with api.calling("write") as program:
        for headers in ({"Origin": api.url}, {"Sec-Fetch-Site": "same-origin"}):
            assert "browsers" in _problem(program.get("/health", headers=headers), 403)
        rebound = program.get("/health", headers={"Host": "attacker.example"})
        assert "host name" in _problem(rebound, 421)
        assert "access-control-allow-origin" not in program.get("/health").headers


def test_a_body_that_is_large_or_has_no_length_is_refused(api: Api) -> None:
    with api.calling("write") as program:
        large = program.post("/v1/jobs", content=b" " * (1 << 20) + b"{}")
        assert "1 MiB" in _problem(large, 413)
        assert "how long" in _problem(program.post("/v1/jobs", content=iter([b"{}"])), 411)


def test_no_line_of_the_log_holds_a_usable_key() -> None:
    token = "pwk_0123456789abcdef_" + "s" * 43
    record = logging.LogRecord("x", logging.ERROR, "", 1, "bad %s", (token,), None)
    assert server.RedactingFormatter("%(message)s").format(record) == "bad pwk_[redacted]"


def test_a_server_without_a_workspace_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert server.main(["--home", str(tmp_path / "none"), "--port", "0"]) == 1
    assert "pairwright init" in capsys.readouterr().err
