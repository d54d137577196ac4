"""Simulated experts at work: each a process that labels one link over HTTP, as a browser would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from console import ports, processes, serving
from console.processes import Child
from console.progress import Meter
from labeling import links
from storage import batches, votes
from storage.errors import PairwrightError
from storage.workspace import Workspace

_LOOK_EVERY = 0.5


@dataclass(frozen=True)
class Expert:
    """How one expert works: `accuracy` and `laziness` 0 to 1, `side_bias` -1 (right) to 1 (left).

    See `examples.shapes.experts.Profile`.
    """

    name: str
    accuracy: float
    side_bias: float = 0.0
    laziness: float = 0.0


@dataclass(frozen=True)
class Ballot:
    """What one expert did on a batch: choice -> how often."""

    expert: Expert
    choices: dict[str, int]

    @property
    def votes(self) -> int:
        return sum(self.choices.values())


PANEL = (
    Expert("expert-careful", accuracy=0.95),
    Expert("expert-quick", accuracy=0.85),
    Expert("expert-leaning", accuracy=0.9, side_bias=0.1),
)


@contextmanager
def labeling_server(home: Path) -> Iterator[str]:
    """A labeling server on a free port for as long as the block runs; its public URL."""
    addresses = serving.Addresses(labeling_port=ports.any_free())
    server = Child(serving.labeling_service(home, addresses))
    processes.start_all([server], lambda _: None, Event())
    try:
        yield addresses.labeling_url
    finally:
        server.stop()


def vote(
    workspace: Workspace,
    batch: str,
    world: Path,
    public_url: str,
    seed: int,
    meter: Meter,
    panel: Sequence[Expert] = PANEL,
) -> list[Ballot]:
    """Let a panel label everything in a batch; `world` is the answer key.

    Raises PairwrightError with the words of an expert that could not finish.
    """
    running = [
        _start(workspace, expert, batch, world, public_url, 10 * seed + number)
        for number, expert in enumerate(panel)
    ]
    try:
        while any(process.poll() is None for process in running):
            _show(workspace, batch, meter)
            for process in running:
                _wait_a_little(process)
        return [_ballot(expert, process) for expert, process in zip(panel, running, strict=True)]
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
            process.communicate()


def _start(
    workspace: Workspace, expert: Expert, batch: str, world: Path, public_url: str, seed: int
) -> subprocess.Popen[str]:
    minted = links.mint(workspace, batch, expert.name, expires="1d", simulated=True)
    link = links.url(public_url, minted.token)
    tied: Sequence[str] = (sys.executable, "-P", "-m", "console.tied", str(os.getpid()))
    command = (sys.executable, "-P", "-m", "examples.shapes.experts", "--world", str(world))
    manner = ("--accuracy", str(expert.accuracy), "--side-bias", str(expert.side_bias))
    effort = ("--laziness", str(expert.laziness))
    return subprocess.Popen(
        [*tied, *command, "--link", link, *manner, *effort, "--seed", str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _show(workspace: Workspace, batch: str, meter: Meter) -> None:
    with workspace.ledger.read() as db:
        found = batches.get(db, batch)
        cast = len(votes.effective(db, batch_id=found.id))
        meter.update("Experts vote", cast, found.overlap * batches.pair_count(db, found.id))


def _wait_a_little(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(_LOOK_EVERY)
    except subprocess.TimeoutExpired:
        return


def _ballot(expert: Expert, process: subprocess.Popen[str]) -> Ballot:
    said, trouble = process.communicate()
    if process.returncode != 0:
        raise PairwrightError(
            f"The simulated expert {expert.name} stopped: {trouble.strip()[-2000:]}",
            "The log of the labeling server may say why.",
        )
    return Ballot(expert, json.loads(said))
