"""Simulated experts label over real HTTP, seeing no more than the browser sees."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from examples.shapes.experts import Counts, Profile, decide, label_batch, main
from examples.shapes.link import LabelingLink, LinkError
from examples.shapes.oracle import Truth
from examples.shapes.prompts import write_prompts

WRONG = "I count 99 purple dogs."


@dataclass
class Bench:
    """A labeling server in miniature: pairs in order, one vote each, votes known by event id."""

    pairs: list[dict[str, Any]]
    pictures: dict[str, bytes]
    votes: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[int] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)

    def state(self) -> dict[str, Any]:
        """The wire's state."""
        done = len(self.votes)
        current = self.pairs[done] if done < len(self.pairs) else None
        return {
            "batch": {"guidelines": None, "both_bad": False},
            "done": done,
            "total": len(self.pairs),
            "finished": current is None,
            "can_undo": done > 0,
            "current": current,
            "upcoming": None,
        }


class _Handler(BaseHTTPRequestHandler):
    """Speaks the labeling server's interface for the bench of its server."""

    protocol_version = "HTTP/1.1"
    # One write per response: otherwise every small request waits for a delayed acknowledgement.
    wbufsize = 1 << 16

    @property
    def bench(self) -> Bench:
        """The bench that this server shows."""
        return cast(_Server, self.server).bench

    def do_GET(self) -> None:
        self.bench.requests[self.path] += 1
        if "session=good" not in self.headers.get("Cookie", ""):
            self._refuse(401, "No session.", "Open your link again.")
        elif self.path == "/api/state":
            self._json(200, self.bench.state())
        else:
            self._send(200, "image/png", self.bench.pictures[self.path])

    def do_POST(self) -> None:
        self.bench.requests[self.path] += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Origin") != f"http://{self.headers['Host']}":
            self._refuse(403, "Wrong origin.", "Use the labeling page.")
        elif self.path == "/api/session":
            self._session(body)
        elif "session=good" not in self.headers.get("Cookie", ""):
            self._refuse(401, "No session.", "Open your link again.")
        else:
            self._vote(body)

    def _session(self, body: dict[str, Any]) -> None:
        if body["token"] != "SECRET":
            self._refuse(401, "The link is not valid.", "Ask your lead for a new one.")
            return
        self._json(200, {}, {"Set-Cookie": "session=good; HttpOnly; Path=/"})

    def _vote(self, body: dict[str, Any]) -> None:
        duplicate = body["event"] in self.bench.votes
        if not duplicate:
            assert body["assignment"] == self.bench.pairs[len(self.bench.votes)]["assignment"]
            self.bench.votes[body["event"]] = body
        if self.bench.failures:
            self._refuse(self.bench.failures.pop(), "Busy.", "Try again.")
            return
        self._json(200, {"accepted": True, "duplicate": duplicate, "state": self.bench.state()})

    def _refuse(self, status: int, what: str, following: str) -> None:
        self._json(status, {"error": {"what": what, "next": following}})

    def _json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, "application/json", json.dumps(body).encode(), headers)

    def _send(
        self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the test output clean."""


class _Server(ThreadingHTTPServer):
    """An HTTP server with a bench."""

    daemon_threads = True

    def __init__(self, bench: Bench) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bench = bench


@contextmanager
def _served(bench: Bench) -> Iterator[str]:
    server = _Server(bench)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/j#SECRET"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _bench(folder: Path, count: int) -> Bench:
    """A bench whose right answer is on the left for even positions and on the right for odd."""
    write_prompts(folder, count, seed=0)
    prompts = [json.loads(line) for line in (folder / "prompts.jsonl").read_text().splitlines()]
    answers = [json.loads(line) for line in (folder / "world.jsonl").read_text().splitlines()]
    pairs, pictures = [], {}
    for index, (prompt, truth) in enumerate(zip(prompts, answers, strict=True)):
        source = f"/media/a{index}/0"
        pictures[source] = (folder / prompt["images"][0]).read_bytes()
        sides = (truth["answer"], WRONG) if index % 2 == 0 else (WRONG, truth["answer"])
        parts = [
            {"type": "image", "src": source},
            {"type": "text", "text": truth["question"]},
        ]
        pairs.append(
            {
                "assignment": f"a{index}",
                "position": index,
                "messages": [{"role": "user", "parts": parts}],
                "left": sides[0],
                "right": sides[1],
            }
        )
    return Bench(pairs, pictures)


def test_a_perfect_expert_finds_the_right_answer_on_either_side(tmp_path: Path) -> None:
    bench = _bench(tmp_path, 20)
    with _served(bench) as link:
        counts = label_batch(link, tmp_path / "world.jsonl", Profile(accuracy=1.0))
    assert counts == Counts(left=10, right=10)
    chosen = [vote["choice"] for vote in bench.votes.values()]
    assert chosen == ["left", "right"] * 10


def test_an_expert_never_votes_twice_on_one_pair(tmp_path: Path) -> None:
    bench = _bench(tmp_path, 9)
    with _served(bench) as link:
        first = label_batch(link, tmp_path / "world.jsonl", Profile(seed=1))
        second = label_batch(link, tmp_path / "world.jsonl", Profile(seed=2))
    assert first.total == 9
    assert second.total == 0
    assert len({vote["assignment"] for vote in bench.votes.values()}) == 9


def test_a_vote_whose_answer_is_lost_is_repeated_and_counts_once(tmp_path: Path) -> None:
    bench = _bench(tmp_path, 3)
    bench.failures = [503, 503]
    with _served(bench) as link:
        counts = label_batch(link, tmp_path / "world.jsonl", Profile())
    assert counts.total == 3
    assert len(bench.votes) == 3
    assert bench.requests["/api/votes"] == 5


def test_a_vote_tells_when_the_pair_was_shown_and_decided(tmp_path: Path) -> None:
    bench = _bench(tmp_path, 1)
    with _served(bench) as link:
        label_batch(link, tmp_path / "world.jsonl", Profile(pause=0.05))
    (vote,) = bench.votes.values()
    assert vote["kind"] == "vote"
    assert vote["active_ms"] >= 50
    assert vote["decided_at"] - vote["shown_at"] == vote["active_ms"]


def test_a_picture_from_another_world_is_skipped(tmp_path: Path) -> None:
    bench = _bench(tmp_path / "here", 4)
    write_prompts(tmp_path / "elsewhere", 4, seed=1)
    with _served(bench) as link:
        counts = label_batch(link, tmp_path / "elsewhere" / "world.jsonl", Profile())
    assert counts == Counts(skip=4)


def test_a_refused_link_is_reported_in_the_servers_words(tmp_path: Path) -> None:
    bench = _bench(tmp_path, 1)
    with _served(bench) as link, pytest.raises(LinkError, match="Ask your lead"):
        label_batch(link.replace("SECRET", "OTHER"), tmp_path / "world.jsonl", Profile())


def test_a_server_that_is_away_is_named_without_the_secret() -> None:
    with pytest.raises(LinkError, match="cannot be reached") as caught:
        LabelingLink("http://127.0.0.1:9/j#SECRET", first_wait=0.001).__enter__()
    assert "SECRET" not in str(caught.value)


def test_the_command_line_reports_counts_and_failures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = _bench(tmp_path, 4)
    world = ["--world", str(tmp_path / "world.jsonl"), "--accuracy", "1"]
    with _served(bench) as link:
        assert main([*world, "--link", link]) == 0
        assert json.loads(capsys.readouterr().out) == {"left": 2, "right": 2, "tie": 0, "skip": 0}
        assert main([*world, "--link", link.replace("SECRET", "OTHER")]) == 1
        assert "not valid" in capsys.readouterr().err


def test_choices_follow_the_profile() -> None:
    truth = Truth("id", "pixels", "question", "counting", "count", "I count 2 stars.")
    good, bad = "I count 2 stars.", "I count 3 stars."

    def share(profile: Profile, left: str, right: str, choice: str) -> float:
        random = Random(7)
        chosen = [decide(truth, left, right, profile, random) for _ in range(2000)]
        return chosen.count(choice) / 2000  # type: ignore[arg-type]

    assert share(Profile(accuracy=0.8), good, bad, "left") == pytest.approx(0.8, abs=0.03)
    assert share(Profile(accuracy=1, side_bias=-0.5), good, bad, "right") == pytest.approx(
        0.5, abs=0.04
    )
    assert share(Profile(accuracy=1, laziness=0.4), good, bad, "left") == pytest.approx(
        0.8, abs=0.03
    )
    assert share(Profile(), bad, bad, "tie") == 1.0
    assert share(Profile(tie_rate=0), bad, bad, "tie") == 0.0


def test_impossible_profiles_are_refused() -> None:
    with pytest.raises(ValueError, match=r"accuracy is 1\.5"):
        Profile(accuracy=1.5)
    with pytest.raises(ValueError, match="side_bias"):
        Profile(side_bias=2)
    with pytest.raises(ValueError, match="pause"):
        Profile(pause=-1)
