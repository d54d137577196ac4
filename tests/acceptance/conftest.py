"""Annotators who vote over HTTP, keep what was not acknowledged, and send it again."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from labeling import links
from storage import workspace
from storage.rows import Batch
from storage.workspace import Workspace

ANNOTATORS = ("ana", "ben", "cleo")


@dataclass
class Voter:
    """One annotator's browser: what was acknowledged, and the one post that may be in flight."""

    url: str
    token: str
    acknowledged: list[str] = field(default_factory=list)
    duplicates: int = 0
    refusals: list[dict[str, str]] = field(default_factory=list)
    waiting: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=120)

    def arrive(self) -> None:
        """Open the labeling link."""
        assert self.http.post("/api/session", json={"token": self.token}).status_code == 200

    def vote(self) -> bool:
        """Post what waits, else a choice on the current pair; False when it was not taken."""
        if self.waiting is None:
            current = self.http.get("/api/state").raise_for_status().json()["current"]
            if current is None:
                return False
            self.waiting = {
                "event": str(uuid.uuid4()),
                "kind": "vote",
                "assignment": current["assignment"],
                "choice": "left",
                "shown_at": 1000,
                "decided_at": 3000,
                "active_ms": 2000,
            }
        answer = self.http.post("/api/votes", json=self.waiting)
        if answer.status_code != 200:
            self.refusals.append(answer.json()["error"])
            return False
        self.duplicates += answer.json()["duplicate"]
        self.acknowledged.append(self.waiting["event"])
        self.waiting = None
        return True

    def vote_until(self, stop: threading.Event) -> None:
        """Vote on and on; a server that is away is asked again, as the bench's outbox does."""
        while not stop.is_set():
            try:
                taken = self.vote()
            except httpx.HTTPError:
                taken = False
            if not taken:
                time.sleep(0.01)


@pytest.fixture
def filled(new_home: Path, tmp_path: Path, make_batch: Callable[..., Batch]) -> Workspace:
    """A closed workspace with a batch of 600 pairs for three annotators."""
    opened = workspace.open_existing(shutil.copytree(new_home, tmp_path / "home"))
    with opened.ledger.write() as tx:
        make_batch(tx, pair_count=600, overlap=len(ANNOTATORS))
    opened.close()
    return opened


@pytest.fixture
def voters() -> Iterator[Callable[[Path, str], list[Voter]]]:
    """`voters(home, url)`: three annotators, each with a link of their own."""
    made: list[Voter] = []

    def make(home: Path, url: str) -> list[Voter]:
        opened = workspace.open_existing(home)
        made.extend(Voter(url, links.mint(opened, "first", who).token) for who in ANNOTATORS)
        opened.close()
        return made

    yield make
    for voter in made:
        voter.http.close()
