"""A labeling server in a thread, batches to label, and an annotator who speaks HTTP to it."""

from __future__ import annotations

import itertools
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from labeling import links
from labeling.server import ServerSettings, build_app, configured
from storage import batches
from storage import workspace as workspaces
from storage.rows import Batch, Pair
from storage.workspace import Workspace

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Served:
    """A running labeling server."""

    url: str
    app: Any
    workspace: Workspace

    def client(self) -> httpx.Client:
        """A browser of its own: cookies and the Origin of our page."""
        return httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=120)


@dataclass(frozen=True)
class Annotator:
    """A browser that opened a labeling link."""

    http: httpx.Client
    link: links.MintedLink

    def state(self) -> dict[str, Any]:
        answer = self.http.get("/api/state")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def post(self, kind: str, assignment: str, **fields: object) -> httpx.Response:
        body = {"event": str(uuid.uuid4()), "kind": kind, "assignment": assignment, **fields}
        times = {"shown_at": 1000, "decided_at": 3000, "active_ms": 2000}
        return self.http.post("/api/votes", json={**times, **body})

    def vote(self, choice: str = "left") -> dict[str, Any]:
        """Judge the current pair; return the state that follows."""
        answer = self.post("vote", self.state()["current"]["assignment"], choice=choice)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["state"]
        return found


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    workspace = workspaces.create(tmp_path_factory.mktemp("labeling") / "home")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = build_app(workspace, ServerSettings(url))
        server = uvicorn.Server(configured(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.02)
        yield Served(url, app, workspace)
        server.should_exit = True
        thread.join(timeout=20)
    workspace.close()


MakeBatch = Callable[..., Batch]


@pytest.fixture
def new_batch(served: Served, add_telling_pair: Callable[..., Pair]) -> MakeBatch:
    """`new_batch(pair_count=3, overlap=1, pictures=0)`: a batch of pairs with telling secrets. The
    pictures are put into the store alone, as an older version did."""

    def make(
        pair_count: int = 3,
        pictures: int = 0,
        size: tuple[int, int] = (24, 16),
        **settings: Any,
    ) -> Batch:
        with served.workspace.ledger.write() as tx:
            batch = batches.create(tx, f"CANARY-BATCH {next(_numbers)}", **settings)
            for number in range(pair_count):
                add_telling_pair(tx, served.workspace, batch, number, pictures, size)
        return batch

    return make


OpenLink = Callable[..., Annotator]


@pytest.fixture
def open_link(served: Served) -> Iterator[OpenLink]:
    """`open_link(batch, "Ada", quota=3)`: an annotator with a cookie."""
    clients: list[httpx.Client] = []

    def open_(batch: Batch, who: str | None = None, expires: str = "1d", **terms: Any) -> Annotator:
        name = who or f"person {next(_numbers)}"
        minted = links.mint(served.workspace, batch.name, name, expires, **terms)
        http = served.client()
        clients.append(http)
        assert http.post("/api/session", json={"token": minted.token}).status_code == 200
        return Annotator(http, minted)

    yield open_
    for http in clients:
        http.close()


@pytest.fixture
def home(new_home: Path, tmp_path: Path) -> Path:
    """The folder of a new, closed workspace."""
    return shutil.copytree(new_home, tmp_path / "home")
