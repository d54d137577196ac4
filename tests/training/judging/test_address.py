"""An address as judge: both orders, trouble on the way, and a key that is kept nowhere."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from storage.errors import WrongInputError
from training.jobs.folder import JobFolder
from training.judging import address, run
from training.judging.address import LONGEST_WAIT

MakeJudging = Callable[..., JobFolder]
KEY = "sk-canary-0123456789"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_API_KEY", KEY)


def _done(folder: JobFolder) -> dict[str, Any]:
    run.judge(folder)
    result = folder.result()
    assert result is not None
    assert result.state == "succeeded"
    return dict(result.metrics)


def test_every_pair_is_judged_in_both_orders_with_its_pictures(
    judge_server: Any, judging_job: MakeJudging, wire: Any, examples: Any
) -> None:
    folder = judging_job(address=judge_server.url)
    figures = _done(folder)
    # the chosen answers of the examples are the longer ones
    assert [record["verdict"] for record in wire.records(folder)] == ["a"] * 4
    assert (figures["judged"], figures["ties"], figures["unjudged"]) == (4, 0, {})
    assert figures["consistency"]["value"] == 1.0
    assert (figures["tokens_in"], figures["tokens_out"]) == (800, 16)
    assert len(judge_server.bodies) == 8
    asked = next(b for b in judge_server.bodies if "No. 1:" in str(b["messages"]))
    assert (asked["model"], asked["temperature"]) == ("judge-model", 0)
    shown = [part for part in asked["messages"][0]["content"] if part["type"] == "image_url"]
    data = shown[0]["image_url"]["url"].removeprefix("data:image/png;base64,")
    assert len(shown) == 2
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.getpixel((0, 0)) == (0, 255, 0)


def test_a_judge_that_prefers_a_place_ties_everywhere(
    judge_server: Any, judging_job: MakeJudging, wire: Any
) -> None:
    judge_server.answer = lambda asked: wire.reply("A")
    figures = _done(judging_job(address=judge_server.url))
    assert (figures["judged"], figures["ties"]) == (4, 4)
    assert figures["consistency"]["value"] == 0.0


def test_passing_trouble_is_asked_through(
    judge_server: Any, judging_job: MakeJudging, wire: Any
) -> None:
    soon = {"Retry-After": "0"}
    judge_server.script = [
        (429, soon, b"slow down"),
        (500, {}, b"oops"),
        (503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, b""),
        (200, {}, b"<html>not what was asked for</html>"),
        (200, {}, b'{"choices": []}'),
        (200, {}, b'{"choices": [{"message": {"content": null}}]}'),
    ]
    folder = judging_job(address=judge_server.url, tries=7)
    figures = _done(folder)
    assert (figures["judged"], figures["unjudged"]) == (4, {})
    assert len(judge_server.bodies) == 8 + 6


def test_a_question_that_is_refused_or_answered_with_nothing_costs_only_its_pair(
    judge_server: Any, judging_job: MakeJudging, wire: Any
) -> None:
    def refuse(asked: str) -> Any:
        if "No. 0:" in asked:
            return 400, {}, b'{"error": "content policy"}'
        if "No. 1:" in asked:
            return wire.reply("I would rather not say.", tokens=None)
        return wire.prefers_longer(asked)

    judge_server.answer = refuse
    figures = _done(judging_job(address=judge_server.url))
    assert figures["judged"] == 2
    assert figures["unjudged"] == {
        'refused with status 400: {"error": "content policy"}': 1,
        address.NO_VERDICT: 1,
    }


def test_an_address_that_is_gone_ends_the_asking_and_keeps_what_there_is(
    judge_server: Any, judging_job: MakeJudging, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MOST_SILENCE", 2)
    judge_server.answer = lambda asked: (
        wire.prefers_longer(asked) if "No. 0:" in asked else (500, {}, b"")
    )
    folder = judging_job(address=judge_server.url, batch_size=2, tries=1)
    figures = _done(folder)
    assert figures["judged"] == 1
    assert figures["unjudged"] == {"no answer: status 500": 1, "not asked about": 2}
    judge_server.answer = lambda asked: (500, {}, b"")
    with pytest.raises(WrongInputError, match="answered none of 2 questions"):
        run.judge(judging_job("j2", address=judge_server.url, batch_size=2, tries=1))


def test_a_wrong_key_fails_the_job_and_is_repeated_nowhere(
    judge_server: Any, judging_job: MakeJudging, world: Any
) -> None:
    judge_server.answer = lambda asked: (401, {}, f"Incorrect API key provided: {KEY}".encode())
    folder = judging_job(address=judge_server.url)
    with pytest.raises(WrongInputError, match=r"401: Incorrect API key provided: \[key\]") as error:
        run.judge(folder)
    assert KEY not in f"{error.value.what} {error.value.next_step}"


def test_the_key_is_sent_and_kept_in_no_file(
    judge_server: Any, judging_job: MakeJudging, world: Any
) -> None:
    folder = judging_job(address=judge_server.url)
    _done(folder)
    assert {headers["Authorization"] for headers in judge_server.headers} == {f"Bearer {KEY}"}
    files = [path for path in folder.path.rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_a_job_that_was_killed_asks_about_the_rest_only(
    judge_server: Any, judging_job: MakeJudging, wire: Any
) -> None:
    straight = judging_job("j1", address=judge_server.url)
    _done(straight)
    whole = straight.judgements_file.read_bytes().splitlines(keepends=True)
    folder = judging_job("j2", address=judge_server.url)
    folder.judgements_file.write_bytes(b"".join(whole[:2]) + whole[2][:30])
    judge_server.bodies.clear()
    _done(folder)
    assert len(judge_server.bodies) == 4
    assert folder.judgements_file.read_bytes() == straight.judgements_file.read_bytes()


def test_a_job_that_is_asked_to_stop_stops_while_it_waits(
    judge_server: Any, judging_job: MakeJudging
) -> None:
    folder = judging_job(address=judge_server.url, batch_size=2)

    def refuse(asked: str) -> Any:
        folder.stop_requested = True
        return 429, {"Retry-After": "300"}, b""

    judge_server.answer = refuse
    run.judge(folder)
    result = folder.result()
    assert result is not None
    assert result.state == "stopped"


def test_requests_are_spread_over_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(address.time, "monotonic", lambda: now[0])
    pace = address._Pace(60)
    assert [pace.next_turn() for _ in range(3)] == [0.0, 1.0, 2.0]
    now[0] = 110.0
    assert pace.next_turn() == 0.0
    free = address._Pace(None)
    assert [free.next_turn() for _ in range(3)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("2", 2.0),
        ("1e9", LONGEST_WAIT),
        ("-1", 0.0),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_what_retry_after_asks_for_is_kept_within_bounds(said: str, seconds: float | None) -> None:
    assert address._retry_after(address.httpx.Headers({"Retry-After": said})) == seconds


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ftp://judge.example/v1", "is no address"),
        ("https://", "is no address"),
        ("https://judge.example/v1?key=x", "is no address"),
        ("https://me:secret@judge.example/v1", "holds a name or a password"),
        ("https://judge:port/v1", "cannot be read"),
    ],
)
def test_an_address_that_cannot_be_asked_or_holds_a_secret_is_refused(text: str, what: str) -> None:
    with pytest.raises(WrongInputError, match=what) as error:
        address.check_address(text)
    assert "secret" not in error.value.what


def test_a_key_does_not_cross_a_network_in_the_clear() -> None:
    address.check_key_travels_safely("http://127.0.0.1:8000/v1", KEY)
    address.check_key_travels_safely("https://judge.example/v1", KEY)
    address.check_key_travels_safely("http://judge.example/v1", "")
    with pytest.raises(WrongInputError, match="in the clear"):
        address.check_key_travels_safely("http://judge.example/v1", KEY)
