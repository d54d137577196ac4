"""kill -9 of the ledger's writer: a process that offers and records votes and nothing else.

Each child is forked with the imports done, works through the group commit and writes every event id
to a pipe once its commit is acknowledged. The parent kills it after a random while and reads what
was acknowledged; at the end it compares that with the ledger.
"""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from collections import Counter
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from large_workspace import Large

from storage import annotators, assignments, batches, clock, standing, votes, workspace
from storage.commits import CommitThread
from storage.ledger import Connection
from storage.rows import Batch, Verdict

PEOPLE = 5
BATCH = "batch 0"
_LEASE = 900 * clock.SECOND
# length of an event id and its line end: a pipe takes such a write whole or not at all
_LINE = 37
# a quarter of them is in the batch, for three votes each: more than a writer takes before its end
_PAIRS_PER_KILL = 25


def run(home: Path, cycles: int) -> dict[str, Any]:
    """Kill the writer `cycles` times; what was lost, doubled or too many."""
    made = Large(pairs=_PAIRS_PER_KILL * cycles, votes=0).write(home)
    with made.ledger.write() as tx:
        standing.derive(tx, batches.get(tx, BATCH).id)
    made.close()
    draw = random.Random(7)
    acknowledged: list[str] = []
    began = time.monotonic()
    for _ in range(cycles):
        acknowledged += _killed(home, draw.uniform(0, 0.03))
    return {
        "cycles": cycles,
        "seconds": round(time.monotonic() - began),
        **_found(home, acknowledged),
    }


def _killed(home: Path, after: float) -> list[str]:
    """Events that one writer acknowledged until it was killed, `after` seconds from its first."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            _write(home, writer)
        finally:
            os._exit(1)
    os.close(writer)
    told = os.read(reader, _LINE)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while part := os.read(reader, 65_536):
        told += part
    os.close(reader)
    return told.decode().split()


def _write(home: Path, pipe: int) -> None:
    """Several people vote at once, for ever."""
    opened = workspace.open_existing(home)
    commits = CommitThread(opened.ledger)
    with opened.ledger.write() as tx:
        batch = batches.get(tx, BATCH)
        people = [annotators.get_or_create(tx, f"person {n}").id for n in range(PEOPLE)]
    while True:
        waiting: list[Future[str | None]] = [
            commits.submit(lambda tx, person=person: _vote(tx, batch, person)) for person in people
        ]
        for one in waiting:
            event = one.result()
            if event is not None:
                os.write(pipe, f"{event}\n".encode())


def _vote(tx: Connection, batch: Batch, person: str) -> str | None:
    now, event = clock.now(tx), str(uuid.uuid4())
    offered = assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=person,
        new_id=uuid.uuid4().hex,
        left="a",
        now=now,
        leased_until=now + _LEASE,
    )
    if offered is None:
        return None
    times = {"shown_at": now, "decided_at": now, "active_ms": 1}
    votes.append(
        tx, event_id=event, assignment_id=offered.id, kind="vote", verdict=Verdict.A, **times
    )
    return event


def _found(home: Path, acknowledged: list[str]) -> dict[str, Any]:
    """The ledger against what was acknowledged; one vote of each kill may have been in flight."""
    opened = workspace.open_existing(home)
    with opened.ledger.read() as db:
        batch = batches.get(db, BATCH)
        effective = votes.effective(db, batch.id)
        stored = Counter(
            event.event_id
            for pair in {vote.pair_id for vote in effective}
            for event in votes.events(db, pair)
        )
    opened.close()
    per_pair = Counter(vote.pair_id for vote in effective)
    lost = len(set(acknowledged) - stored.keys())
    doubled = sum(stored.values()) - len(stored) + len(effective) - sum(stored.values())
    beyond = sum(count > batch.overlap for count in per_pair.values())
    return {
        "acknowledged": len(acknowledged),
        "stored": len(stored),
        "lost": lost,
        "duplicated": abs(doubled),
        "overlap_exceeded": beyond,
        "met": not (lost or doubled or beyond),
    }
