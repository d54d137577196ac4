"""How soon votes are acknowledged under load, and what kill -9 loses.

Votes: 40 annotators who send 50 a second together, then 200 who send 100, over HTTP to a labeling
server process on a workspace made for it. Open loop: latency counts from the time at which a vote
was due. The rival gets the same load in the same run: a plain Gradio event handler.

Offers: what one costs somebody who has thousands of pairs behind them.

Kills: the server is killed 200 times while people vote (the acceptance test, for longer), and the
ledger's writer alone 2,000 times. Every acknowledged vote has to be there once, within the overlap.

Prints one JSON object, which says what met its bar; `--quick` takes a tenth of everything. What is
lost does not depend on who else is busy: `--kills-only` leaves the loads out, and `--soak MINUTES`
lets thirty people do all that people do, instead (see `soak`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# before this folder, where this file would be taken for the room of the same name
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import killed_writer
import offer_cost
import soak
from large_workspace import Large
from wire_load import Connection, Load, send, summary

from labeling import links
from storage import batches, standing
from storage.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 60.0
SERVER_KILLS, WRITER_KILLS = 200, 2000
RIVAL_PORT = 8839


@dataclass(frozen=True)
class Bar:
    """A load and what it may take, in milliseconds; None where nothing is promised."""

    batch: str
    people: int
    rate: float
    p50: float | None
    p99: float


@dataclass(frozen=True)
class _Server:
    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time that all threads of the process took so far."""
        fields = (
            Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        )
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


BARS = (Bar("batch 0", 40, 50, 10, 100), Bar("batch 1", 200, 100, None, 250))


def main() -> None:
    options = _parse()
    share = 0.1 if options.quick else 1.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.soak:
            result = {
                "measure": "a working day of thirty people, compressed",
                **_soak(folder, options.soak),
            }
        elif options.kills_only:
            result = {"measure": "kill -9", "kills": _kill(folder, share)}
        else:
            result = _all(folder, share)
    load = {"cpu_count": os.cpu_count(), "load_average": os.getloadavg()[0]}
    print(json.dumps(result | load, indent=None if options.json else 2))


def _all(folder: Path, share: float) -> dict[str, Any]:
    loads = [_measure(folder, bar, SECONDS * share) for bar in BARS]
    offers = offer_cost.run(folder / "offers", share)
    kills = _kill(folder, share)
    return {
        "measure": "votes acknowledged over HTTP, ms from the time they were due; kill -9",
        "loads": loads,
        "offers": offers,
        "kills": kills,
        "met": all(each["met"] for each in (*loads, offers, *kills.values())),
    }


def _kill(folder: Path, share: float) -> dict[str, Any]:
    return {
        "server": _kill_server(round(SERVER_KILLS * share)),
        "writer": killed_writer.run(folder / "killed", round(WRITER_KILLS * share)),
    }


def _soak(folder: Path, minutes: float) -> dict[str, Any]:
    home = folder / "soak"
    tokens = soak.prepare(home, minutes)
    with _process(["-c", soak.SERVER, "--home", str(home), "--port", "0"]) as server:
        told = asyncio.run(soak.run(server.url, server.pid, tokens, minutes))
    return {**soak.figures(*told, minutes), **soak.found(home, told[0])}


def _measure(folder: Path, bar: Bar, seconds: float) -> dict[str, Any]:
    load = Load(bar.people, bar.rate, seconds)
    before = os.getloadavg()[0]
    tokens = _prepare(folder / bar.batch, bar)
    with _labeling_server(folder / bar.batch) as server:
        ours = asyncio.run(_vote(server, tokens, load))
    with _rival_server(folder / f"{bar.batch}.jsonl") as server:
        theirs = asyncio.run(_click(server, load))
    met = ours["p99_ms"] < bar.p99 and (bar.p50 is None or ours["p50_ms"] < bar.p50)
    return {
        "annotators": bar.people,
        "votes_per_second": bar.rate,
        "bar": {"p50_ms": bar.p50, "p99_ms": bar.p99},
        "met": met,
        "ours": ours,
        "rival": {"name": "plain Gradio event handler", **theirs},
        "ratio_of_p50": round(ours["p50_ms"] / theirs["p50_ms"], 3),
        "ratio_of_p99": round(ours["p99_ms"] / theirs["p99_ms"], 3),
        "load_average_before": before,
    }


async def _measured(
    server: _Server, load: Load, acts: Sequence[Callable[[], Awaitable[None]]]
) -> dict[str, float]:
    """Latencies, and what each vote costs the server: that hardly depends on who else is busy."""
    before = server.cpu_seconds()
    figures = summary(await send(load, acts))
    spent = server.cpu_seconds() - before
    return {**figures, "cpu_ms_per_vote": round(1000 * spent / figures["n"], 1)}


def _prepare(home: Path, bar: Bar) -> list[str]:
    """A workspace with enough pairs for this load; a link's token for each annotator."""
    made = Large(pairs=8000, votes=0).write(home)
    try:
        with made.ledger.write() as tx:
            # bulk rows know nothing of the overlap yet
            standing.derive(tx, batches.get(tx, bar.batch).id)
        return [_token(made, bar.batch, number) for number in range(bar.people)]
    finally:
        made.close()


def _token(made: Workspace, batch: str, number: int) -> str:
    # no pace holds simulated experts back
    return links.mint(made, batch, f"expert {number}", simulated=True).token


async def _vote(server: _Server, tokens: Sequence[str], load: Load) -> dict[str, float]:
    people = [_Voter(Connection(server.url), token) for token in tokens]
    for one in people:
        await one.arrive()
    try:
        return await _measured(server, load, [one.vote for one in people])
    finally:
        for one in people:
            one.connection.close()


@dataclass
class _Voter:
    """What the bench does: votes on the pair at hand and takes the next one from the answer."""

    connection: Connection
    token: str
    pair: str = ""

    async def arrive(self) -> None:
        await self.connection.post("/api/session", {"token": self.token})
        state = json.loads(await self.connection.get("/api/state"))
        self.pair = state["current"]["assignment"]

    async def vote(self) -> None:
        now = time.time_ns() // 1_000_000
        vote = {"event": str(uuid.uuid4()), "kind": "vote", "assignment": self.pair}
        times = {"shown_at": now - 900, "decided_at": now, "active_ms": 900}
        answer = await self.connection.post("/api/votes", {**vote, **times, "choice": "left"})
        self.pair = answer["state"]["current"]["assignment"]


async def _click(server: _Server, load: Load) -> dict[str, float]:
    connections = [Connection(server.url) for _ in range(load.people)]

    async def click(connection: Connection) -> None:
        body = {"data": ["Pair 1: which answer is better?", "left"]}
        event = (await connection.post("/gradio_api/call/vote", body))["event_id"]
        told = await connection.get(f"/gradio_api/call/vote/{event}")
        if b"event: complete" not in told:
            raise RuntimeError(f"the rival did not take a vote: {told[:300]!r}")

    for connection in connections:
        await click(connection)
    try:
        acts = [lambda one=each: click(one) for each in connections]
        return await _measured(server, load, acts)
    finally:
        for connection in connections:
            connection.close()


def _kill_server(cycles: int) -> dict[str, Any]:
    """The acceptance test with more cycles: it fails when a vote is lost, doubled or too many."""
    test = ROOT / "tests/acceptance/test_trouble_kills.py"
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-o", "timeout=0", str(test)]
    environment = {**os.environ, "KILL_CYCLES": str(cycles)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not told:
        return {"cycles": cycles, "met": False, "failure": done.stdout[-1000:]}
    return {**json.loads(told[-1]), "met": True}


@contextmanager
def _labeling_server(home: Path) -> Iterator[_Server]:
    command = ["-m", "labeling.server", "--home", str(home), "--port", "0"]
    with _process(command) as server:
        yield server


@contextmanager
def _rival_server(votes: Path) -> Iterator[_Server]:
    with _process(["benchmarks/gradio_rival.py", str(votes), str(RIVAL_PORT)]) as server:
        yield server


@contextmanager
def _process(command: Sequence[str]) -> Iterator[_Server]:
    """A server that prints its address last on its first line."""
    process = subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        yield _Server(process.stdout.readline().split()[-1], process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--kills-only", action="store_true", help="no loads")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="thirty people, so long")
    parser.add_argument("--json", action="store_true", help="one line")
    return parser.parse_args()


if __name__ == "__main__":
    main()
