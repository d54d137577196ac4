"""kill -9 of the labeling server while people vote: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from sqlalchemy import func, select, text

from console import ports
from storage import tables, votes, workspace
from storage.workspace import Workspace

Voter = Any

HERE = Path(__file__).parent
CYCLES = 20


@contextmanager
def _servers(home: Path, port: int) -> Iterator[tuple[IO[str], IO[str]]]:
    command = [sys.executable, str(HERE / "forking_labeling.py"), str(home), str(port)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdin, process.stdout
        process.stdin.close()
        process.wait(60)


def _start(orders: IO[str], said: IO[str]) -> int:
    orders.write("start\n")
    orders.flush()
    pid = int(said.readline())
    assert said.readline().startswith("Labeling server ready")
    return pid


@pytest.mark.slow
def test_votes_survive_kill_9_of_the_labeling_server_exactly_once(
    filled: Workspace, voters: Callable[..., list[Voter]]
) -> None:
    port = ports.any_free()
    people = voters(filled.home, f"http://127.0.0.1:{port}")
    stop = threading.Event()
    threads = [threading.Thread(target=one.vote_until, args=(stop,)) for one in people]
    with _servers(filled.home, port) as (orders, said):
        for cycle in range(CYCLES):
            pid = _start(orders, said)
            if cycle == 0:
                for one in people:
                    one.arrive()
                for thread in threads:
                    thread.start()
            _until_more_are_acknowledged(people)
            time.sleep(random.uniform(0, 0.1))
            os.kill(pid, signal.SIGKILL)
            assert said.readline() == "gone\n"
        stop.set()
        for thread in threads:
            thread.join(30)
    acknowledged = [event for one in people for event in one.acknowledged]
    in_flight = {one.waiting["event"] for one in people if one.waiting}
    assert len(acknowledged) >= CYCLES
    assert len(set(acknowledged)) == len(acknowledged)
    _assert_exactly_these(filled.home, set(acknowledged), in_flight)


def _until_more_are_acknowledged(people: list[Voter], more: int = 3) -> None:
    def count() -> int:
        return sum(len(one.acknowledged) for one in people)

    goal, end = count() + more, time.monotonic() + 60
    while count() < goal:
        assert time.monotonic() < end, "nobody's vote was taken for a minute"
        time.sleep(0.005)


def _assert_exactly_these(home: Path, acknowledged: set[str], in_flight: set[str]) -> None:
    opened = workspace.open_existing(home)
    with opened.ledger.read() as db:
        stored = list(db.execute(select(tables.votes.c.event_id)).scalars())
        assert acknowledged <= set(stored) <= acknowledged | in_flight
        assert len(stored) == len(set(stored))
        effective = votes.effective(db)
        assert len({vote.assignment_id for vote in effective}) == len(effective) == len(stored)
        # what is derived from the log still agrees with it
        assert db.execute(select(func.sum(tables.batch_pairs.c.votes))).scalar() == len(stored)
        assert db.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    opened.close()
