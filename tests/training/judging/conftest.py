"""A server that answers as an OpenAI-compatible one does, and folders of judging jobs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from storage import identity
from training.jobs.folder import JobFolder, RunSpec
from training.judging import question

Said = tuple[int, Mapping[str, str], bytes]


def reply(text: str, tokens: tuple[int, int] | None = (100, 2)) -> Said:
    """A well-formed reply with this text."""
    body: dict[str, Any] = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    if tokens:
        body["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
    return 200, {}, json.dumps(body).encode()


def prefers_longer(asked: str) -> Said:
    """Reads the two answers out of the question and prefers the longer one."""
    answers = asked.partition("[Answer A]\n")[2].partition("\n\n[End of the answers]")[0]
    first, _, second = answers.partition("\n\n[Answer B]\n")
    return reply("A" if len(first) > len(second) else "B")


@dataclass
class Server:
    """What it was asked, and what it says: first `script` in order, then `answer`."""

    url: str = ""
    answer: Callable[[str], Said] = prefers_longer
    script: list[Said] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, body: dict[str, Any], headers: Mapping[str, str]) -> Said:
        with self.lock:
            self.bodies.append(body)
            self.headers.append(headers)
            if self.script:
                return self.script.pop(0)
        parts = body["messages"][0]["content"]
        return self.answer("".join(part.get("text", "") for part in parts))


@pytest.fixture
def judge_server() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/chat/completions":
                self.send_error(404)
                return
            status, headers, data = server.say(body, dict(self.headers))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words: object) -> None:
            """Nothing on the terminal of the tests."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    server.url = f"http://127.0.0.1:{listening.server_port}/v1"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    listening.shutdown()
    listening.server_close()
    thread.join()


MakeJudging = Callable[..., JobFolder]


@pytest.fixture
def judging_job(world: Any, examples: Any) -> MakeJudging:
    """`judging_job("j1", address=url)` or `judging_job("j1", model=folder)` on four pairs: chosen
    of the examples is answer `a`."""

    def make(
        name: str = "j1",
        address: str = "",
        model: Path | None = None,
        pairs: Sequence[Any] | None = None,
        **settings: Any,
    ) -> JobFolder:
        folder = JobFolder(world.home / name)
        quick = {"retry_seconds": 0, "tries": 3, "batch_size": 4}
        told = {
            "name": "judge",
            "version": "v",
            "address": address,
            "model": "judge-model" if address else "",
            "instructions": question.INSTRUCTIONS,
            "key_variable": "JUDGE_API_KEY",
            "again": False,
        }
        folder.write_spec(
            RunSpec(
                job=name,
                attempt=1,
                kind="judge",
                settings=quick | settings,
                model=str(model or ""),
                media_url=world.store.url,
                judge=told,
            )
        )
        rows = [world.row(one) for one in (pairs or examples.mixed(4, 0))]
        lines = [
            {
                "pair_id": row.pair_id,
                "prompt_id": row.prompt.id,
                "category": row.prompt.category,
                "messages": identity.messages_of(row.prompt.turns),
                "a": row.chosen,
                "b": row.rejected,
            }
            for row in rows
        ]
        folder.pairs_file.write_text("".join(json.dumps(one) + "\n" for one in lines), "utf-8")
        return folder

    return make


def records_of(folder: JobFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in folder.judgements_file.read_text("utf-8").splitlines()]


@dataclass(frozen=True)
class Wire:
    """What tests make replies with, and how they read what a job wrote."""

    reply: Callable[..., Said] = reply
    prefers_longer: Callable[[str], Said] = prefers_longer
    records: Callable[[JobFolder], list[dict[str, Any]]] = records_of


@pytest.fixture
def wire() -> Wire:
    return Wire()
