"""Trouble under the API: a ledger that another program locks, and kills while requests come in."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.api import keys
from storage import dataset_versions, health, jobs, workspace
from storage.workspace import Workspace

Api = Any
CYCLES = 20
TRAIN = {"kind": "train", "dataset": "v1", "start_from": "tiny"}
SAMPLE = {
    "kind": "sample",
    "start_from": "tiny",
    "batch": "asked",
    "prompts": [{"messages": [{"role": "user", "content": "What is one plus one?"}]}],
}


@dataclass
class Caller:
    """A program that asks for one thing after the other, each until it is answered."""

    url: str
    token: str
    ask: Callable[[httpx.Client, int], httpx.Response]
    answered: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def call_until(self, stop: threading.Event) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=60) as program:
            while not stop.is_set():
                try:
                    answer = self.ask(program, len(self.answered))
                except httpx.HTTPError:
                    time.sleep(0.01)
                    continue
                if answer.status_code == 201:
                    self.answered.append(answer.json()["id"])
                else:
                    self.refused.append(answer.text)


def _train(program: httpx.Client, number: int) -> httpx.Response:
    once = {"Idempotency-Key": f"run {number}"}
    return program.post("/v1/jobs", json=TRAIN, headers=once)


def _sample(program: httpx.Client, number: int) -> httpx.Response:
    once = {"Idempotency-Key": f"sampling {number}"}
    return program.post("/v1/jobs", json=SAMPLE, headers=once)


def _build(program: httpx.Client, number: int) -> httpx.Response:
    wanted = {"labels": "imported", "holdout": 0.5, "seed": number}
    return program.post("/v1/datasets", json=wanted)


def test_a_ledger_that_another_program_locks_is_told_and_works_again_without_a_restart(
    api: Api,
) -> None:
    with api.calling("write") as program:
        assert program.get("/v1/jobs").status_code == 200
        with closing(sqlite3.connect(api.workspace.ledger.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = program.post("/v1/jobs", json=TRAIN)
            read = program.get("/v1/jobs")
            other.rollback()
        assert refused.status_code == 503
        assert "locked" in refused.json()["what"]
        assert "Another program" in refused.json()["next_step"]
        assert read.status_code == 200
        assert program.post("/v1/jobs", json=TRAIN).status_code == 201


@pytest.fixture
def own(api: Api, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the workspace, for a server of this test."""
    opened = workspace.open_existing(shutil.copytree(api.workspace.home, tmp_path / "home"))
    yield opened
    opened.close()


@pytest.mark.slow
def test_what_is_asked_for_survives_kill_9_of_the_api_exactly_once(
    own: Workspace, forks: Callable[..., Any], free_port: Callable[[], int]
) -> None:
    port = free_port()
    with own.ledger.read() as db:
        jobs_before = {job.id for job in jobs.listed(db, limit=10_000)}
        versions_before = {version.id for version in dataset_versions.listed(db)}
    token = keys.mint(own, "nightly", "write").token
    url = f"http://127.0.0.1:{port}"
    callers = [Caller(url, token, ask) for ask in (_train, _sample, _build)]
    stop = threading.Event()
    threads = [threading.Thread(target=one.call_until, args=(stop,)) for one in callers]
    servers = forks("api", own.home, port)
    for cycle in range(CYCLES):
        pid = servers.start()
        assert servers.line().startswith("API ready")
        if cycle == 0:
            for thread in threads:
                thread.start()
        # a build takes longer: every other kill comes after one
        _until_more_is_answered(callers if cycle % 2 else callers[-1:], 3 if cycle % 2 else 1)
        time.sleep(random.uniform(0, 0.05))
        os.kill(pid, signal.SIGKILL)
        assert servers.gone()[0] == -signal.SIGKILL
    stop.set()
    for thread in threads:
        thread.join(60)
    assert [one.refused for one in callers] == [[], [], []]
    trained, sampled, built = (one.answered for one in callers)
    with own.ledger.read() as db:
        stored = {job.id for job in jobs.listed(db, limit=10_000)} - jobs_before
        versions = [one for one in dataset_versions.listed(db) if one.id not in versions_before]
        assert health.ledger_faults(db) == []
    # what was in flight at the end may be there, too: one request of each caller
    assert len({*trained, *sampled}) == len(trained) + len(sampled)
    assert {*trained, *sampled} <= stored
    assert len(stored) <= len(trained) + len(sampled) + 2
    assert [version.id for version in versions][: len(built)] == built
    assert len(versions) <= len(built) + 1
    for version in versions:
        assert len(dataset_versions.read_rows(own, version)) == version.rows == 12
    assert min(len(trained), len(sampled), len(built)) >= CYCLES // 2


def _until_more_is_answered(callers: list[Caller], more: int) -> None:
    def count() -> int:
        return sum(len(one.answered) for one in callers)

    goal, end = count() + more, time.monotonic() + 60
    while count() < goal:
        assert time.monotonic() < end, [one.refused[-1:] for one in callers]
        time.sleep(0.005)
