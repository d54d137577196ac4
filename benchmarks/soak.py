"""Annotators for a whole working day, compressed: what the server loses, doubles, and grows by.

Thirty people judge at a person's pace, made `PACE` times faster, and leases with it. They vote,
call it too close, skip, undo and vote again, report, send things twice, open their link anew, walk
away for longer than their lease, and go on without a network on pairs that they got ahead. One
batch wants two votes of each pair and no more, the other one vote and reviews up to three.

At the end the ledger is compared with what was acknowledged: every event once, every pair within
what it may have, the counters of pairs as the log says.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from large_workspace import Large
from sqlalchemy import func, select
from wire_load import Connection, summary

from labeling import links
from storage import batches, late_votes, standing, tables, votes, workspace
from storage.rows import AssignmentKind, Verdict
from storage.workspace import Workspace

PEOPLE = 30
# a person takes a minute for a pair, and a lease lasts fifteen
PACE = 20
_THINK, _LEASE = 60 / PACE, 15 * 60 / PACE
# batch -> votes that a pair takes at most: overlap, and limit of reviews
LIMITS = {"batch 0": (2, 0), "batch 1": (1, 3)}
# the server as it is, but for its leases
SERVER = f"""
import sys
from labeling import desk, server
from storage import assignments
desk.LEASE_MICROS, desk._RENEW_MICROS = {int(_LEASE * 1e6)}, {int(60 / PACE * 1e6)}
assignments.SPARED_MICROS = desk.LEASE_MICROS
sys.exit(server.main(sys.argv[1:]))
"""
_MOST_OFFLINE = 10
# a quarter of all pairs is in each batch: they run out before the time does
_PAIRS_PER_MINUTE = 70
_REPORTS_EVERY = 60.0


@dataclass
class Tally:
    """What happened, of all people together."""

    acknowledged: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    did: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


@dataclass
class Person:
    """One browser: its link, the pairs that it has, and what it does next."""

    connection: Connection
    token: str
    tally: Tally
    draw: random.Random
    state: dict[str, Any] = field(default_factory=dict)

    async def work(self, until: float) -> None:
        """Until the time is over, whatever goes wrong on the way."""
        await self.arrive()
        while time.monotonic() < until:
            await asyncio.sleep(self.draw.expovariate(1 / _THINK))
            act, name = self._next()
            try:
                await act()
                self.tally.did[name] += 1
            except (RuntimeError, OSError, asyncio.IncompleteReadError) as error:
                self.tally.errors[f"{name}: {str(error)[:160]}"] += 1
                self.state = await self.look()

    async def arrive(self) -> None:
        """Open the link, as on the first day and after every break."""
        await self.connection.post("/api/session", {"token": self.token})
        self.state = await self.look()

    async def look(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.connection.get("/api/state"))
        return found

    def _next(self) -> tuple[Callable[[], Awaitable[None]], str]:
        if self.state["current"] is None:
            return self._wait, "waited"
        acts = (
            *(
                (80, self._vote, "voted"),
                (4, self._undo, "took back"),
                (2, self._report, "reported"),
            ),
            *((3, self._twice, "sent twice"), (3, self._reopen, "opened the link again")),
            *((3, self._leave, "walked away"), (3, self._offline, "went offline")),
        )
        [(_, act, name)] = self.draw.choices(acts, weights=[weight for weight, *_ in acts])
        return act, name

    async def _wait(self) -> None:
        await asyncio.sleep(_THINK)
        self.state = await self.look()

    async def _vote(self) -> None:
        await self._send(self._choice(self.state["current"]["assignment"]))

    async def _undo(self) -> None:
        if self.state["undo"]:
            await self._send({"kind": "undo", "assignment": self.state["undo"]})

    async def _report(self) -> None:
        held = self.state["current"]["assignment"]
        report = {"assignment": held, "kind": "nonsense", "note": "soak"}
        await self._send(report, "/api/reports")

    async def _twice(self) -> None:
        event = {**self._choice(self.state["current"]["assignment"]), "event": str(uuid.uuid4())}
        await self._send(event)
        answer = await self._post("/api/votes", event)
        if not answer["duplicate"]:
            raise RuntimeError("the same event was taken twice")

    async def _reopen(self) -> None:
        self.connection.close()
        await self.arrive()

    async def _leave(self) -> None:
        """Come back to the pair on the screen when its lease is over, and vote."""
        held = self.state["current"]["assignment"]
        await asyncio.sleep(self.draw.uniform(1.05, 1.5) * _LEASE)
        await self._send(self._choice(held))

    async def _offline(self) -> None:
        """Judge what is there without a network, then send all of it in order."""
        ahead = json.loads(await self.connection.get("/api/ahead"))["pairs"][:_MOST_OFFLINE]
        self.connection.close()
        events = []
        for pair in ahead:
            await asyncio.sleep(self.draw.expovariate(1 / _THINK))
            events.append(self._choice(pair["assignment"]))
        for event in events:
            await self._send(event)

    def _choice(self, assignment: str) -> dict[str, Any]:
        kinds, weights = ("left", "right", "tie", "skip"), (45, 40, 8, 7)
        [choice] = self.draw.choices(kinds, weights)
        return {"kind": "vote", "assignment": assignment, "choice": choice}

    async def _send(self, event: dict[str, Any], path: str = "/api/votes") -> None:
        event = {"event": str(uuid.uuid4()), **event}
        began = time.perf_counter()
        answer = await self._post(path, event)
        self.tally.latencies.append((time.perf_counter() - began) * 1000)
        self.tally.acknowledged.append(event["event"])
        self.state = answer["state"]

    async def _post(self, path: str, event: dict[str, Any]) -> dict[str, Any]:
        now = time.time_ns() // 1_000_000
        times = {"shown_at": now - 900, "decided_at": now, "active_ms": 900}
        timed = event if path == "/api/reports" else {**times, **event}
        answer: dict[str, Any] = await self.connection.post(path, timed)
        return answer


def prepare(home: Path, minutes: float) -> list[str]:
    """A workspace with pairs for most of the time; the token of each person's link."""
    made = Large(pairs=max(200, int(4 * _PAIRS_PER_MINUTE * minutes)), votes=0).write(home)
    try:
        with made.ledger.write() as tx:
            for name, (overlap, limit) in LIMITS.items():
                batch_id = batches.get(tx, name).id
                rates = {"overlap": overlap, "review_limit": limit, "repeat_rate": 0.05}
                table = tables.batches
                tx.execute(table.update().where(table.c.id == batch_id).values(**rates))
                standing.derive(tx, batch_id)
        names = list(LIMITS)
        return [
            links.mint(made, names[number % 2], f"expert {number}").token
            for number in range(PEOPLE)
        ]
    finally:
        made.close()


async def run(
    url: str, pid: int, tokens: Sequence[str], minutes: float
) -> tuple[Tally, list[float]]:
    """All people at once; what happened, and the server's memory in MB by the minute."""
    tally = Tally()
    until = time.monotonic() + minutes * 60
    people = [
        Person(Connection(url), token, tally, random.Random(number))
        for number, token in enumerate(tokens)
    ]
    memory: list[float] = []
    watching = asyncio.create_task(_watch(pid, tally, memory))
    await asyncio.gather(*(one.work(until) for one in people))
    watching.cancel()
    memory.append(_memory_mb(pid))
    for one in people:
        one.connection.close()
    return tally, memory


def found(home: Path, tally: Tally) -> dict[str, Any]:
    """The ledger against what was acknowledged."""
    opened = workspace.open_existing(home)
    try:
        lost, doubled = _events(opened, tally)
        beyond, apart, wrong = _places(opened)
    finally:
        opened.close()
    return {
        "acknowledged": len(tally.acknowledged),
        "lost": lost,
        "duplicated": doubled,
        "overlap_exceeded": beyond,
        "kept_beyond_the_overlap": apart,
        "counters_wrong": wrong,
        "met": not (lost or doubled or beyond or wrong or tally.errors),
    }


def figures(tally: Tally, memory: Sequence[float], minutes: float) -> dict[str, Any]:
    """What happened meanwhile."""
    return {
        "minutes": minutes,
        "people": PEOPLE,
        "times_a_persons_pace": PACE,
        "did": dict(tally.did),
        "errors": dict(tally.errors),
        "latency": summary(tally.latencies),
        "server_memory_mb": list(memory),
    }


def _events(opened: Workspace, tally: Tally) -> tuple[int, int]:
    with opened.ledger.read() as db:
        stored = list(db.execute(select(tables.votes.c.event_id)).scalars())
        standing_votes = votes.cast(db, kinds=list(AssignmentKind))
    lost = len(set(tally.acknowledged) - set(stored))
    per_assignment = Counter(vote.assignment_id for vote in standing_votes)
    twice = len(tally.acknowledged) - len(set(tally.acknowledged))
    return lost, twice + sum(count > 1 for count in per_assignment.values())


def _places(opened: Workspace) -> tuple[int, int, int]:
    """Pairs with more votes than they may have, votes set aside, pairs whose counter is wrong."""
    within, excluded = tables.batch_pairs, tables.exclusions
    with opened.ledger.read() as db:
        most = {batches.get(db, name).id: max(both) for name, both in LIMITS.items()}
        counted = Counter(
            (vote.batch_id, vote.pair_id)
            for vote in votes.effective(db, kinds=[AssignmentKind.NORMAL])
            if vote.verdict is not Verdict.SKIP
        )
        kept = {(row.batch_id, row.pair_id): row.votes for row in db.execute(select(within))}
        query = select(func.count()).where(excluded.c.kind == "exclude")
        apart = db.execute(query.where(excluded.c.actor == late_votes.ACTOR)).scalar_one()
    beyond = sum(count > most[batch_id] for (batch_id, _), count in counted.items())
    return beyond, int(apart), sum(counted[pair] != count for pair, count in kept.items())


async def _watch(pid: int, tally: Tally, memory: list[float]) -> None:
    while True:
        memory.append(_memory_mb(pid))
        print(
            f"{len(tally.acknowledged)} acknowledged, {sum(tally.errors.values())} errors, "
            f"server {memory[-1]} MB",
            flush=True,
        )
        await asyncio.sleep(_REPORTS_EVERY)


def _memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0
