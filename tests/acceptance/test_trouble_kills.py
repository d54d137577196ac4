"""kill -9 of the labeling server while people vote: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from storage import batches, tables, votes, workspace
from storage.workspace import Workspace

Voter = Any

# the benchmark kills more often, and reads the figures that are printed
CYCLES = int(os.environ.get("KILL_CYCLES", "20"))
OVERLAP = 2


@pytest.mark.slow
def test_votes_survive_kill_9_of_the_labeling_server_exactly_once(
    filled: Workspace,
    voters: Callable[..., list[Voter]],
    forks: Callable[..., Any],
    free_port: Callable[[], int],
) -> None:
    _give_out(filled.home)
    port = free_port()
    people = voters(filled.home, f"http://127.0.0.1:{port}")
    stop = threading.Event()
    threads = [threading.Thread(target=one.vote_until, args=(stop,)) for one in people]
    servers = forks("labeling", filled.home, port)
    for cycle in range(CYCLES):
        pid = servers.start()
        assert servers.line().startswith("Labeling server ready")
        if cycle == 0:
            for one in people:
                one.arrive()
            for thread in threads:
                thread.start()
        _until_more_are_acknowledged(people)
        time.sleep(random.uniform(0, 0.1))
        os.kill(pid, signal.SIGKILL)
        assert servers.gone()[0] == -signal.SIGKILL
    stop.set()
    for thread in threads:
        thread.join(30)
    acknowledged = [event for one in people for event in one.acknowledged]
    in_flight = {one.waiting["event"] for one in people if one.waiting}
    assert len(acknowledged) >= CYCLES
    assert len(set(acknowledged)) == len(acknowledged)
    _assert_exactly_these(filled.home, set(acknowledged), in_flight)
    figures = {"acknowledged": len(acknowledged), "lost": 0, "duplicated": 0, "overlap_exceeded": 0}
    print("\n" + json.dumps({"cycles": CYCLES, **figures}))


def _give_out(home: Path) -> None:
    """Fewer votes per pair than there are people, and pairs enough for every cycle."""
    opened = workspace.open_existing(home)
    with opened.ledger.write() as tx:
        [batch] = batches.listed(tx)
        pair = tx.execute(select(tables.pairs)).first()
        assert pair is not None
        for number in range(20 * (CYCLES - 20)):
            tx.execute(tables.pairs.insert().values({**pair._mapping, "id": f"more {number}"}))
            batches.add_pair(tx, batch.id, f"more {number}")
        # no reviews, which would take more votes than the overlap
        tx.execute(tables.batches.update().values(review_limit=0))
        batches.update(tx, batch.id, overlap=OVERLAP)
    opened.close()


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
        per_pair = Counter(vote.pair_id for vote in effective)
        assert max(per_pair.values()) <= OVERLAP
        # what is derived from the log still agrees with it
        assert db.execute(select(func.sum(tables.batch_pairs.c.votes))).scalar() == len(stored)
        assert db.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    opened.close()
