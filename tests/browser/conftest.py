"""A real Chromium, pages that fail on any script error or foreign request, and a bench to open."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from labeling import links
from storage import batches, swift_import, votes
from storage import workspace as workspaces
from storage.rows import EffectiveVote
from storage.workspace import Workspace
from tests.browser.clicks import PATIENCE

TESTS = Path(__file__).resolve().parents[1]
_numbers = itertools.count(1)


def _module(place: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{place.stem}_of_browser_tests", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by its name
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="session")
def _patience() -> None:
    """Set once for all: what one file sets or takes back holds for all that come after it."""
    expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, started once; a missing one is an error, not a skip."""
    module = _module(TESTS / "browser" / "chromium.py")
    executable = module.find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=module.flags())
        yield browser
        browser.close()


@pytest.fixture
def hub() -> Iterator[Any]:
    """A Hub on this machine; `hub.token` opens it."""
    module = _module(TESTS / "training" / "hub" / "fake_hub.py")
    with module.serving() as served:
        served.token = module.TOKEN
        yield served


@dataclass
class Watched:
    """A page and what went wrong in it. `allowed` are patterns of console messages to expect."""

    page: Page
    allowed: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    origin: str = ""

    def note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text}")

    def note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss"):
            self.origin = self.origin or parts.netloc
            if parts.netloc != self.origin:
                self.faults.append(f"request to another origin: {request.url}")

    def unexpected(self) -> list[str]:
        return [f for f in self.faults if not any(re.search(a, f) for a in self.allowed)]


NewPage = Callable[..., Watched]


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[NewPage]:
    """`new_page(color_scheme="dark")`: a page in a browser of its own; any fault fails the test."""
    opened: list[Watched] = []

    def make(**settings: Any) -> Watched:
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **settings})
        context.set_default_timeout(PATIENCE)
        return watch(context.new_page())

    def watch(page: Page) -> Watched:
        watched = Watched(page)
        page.on("console", watched.note_console)
        page.on("pageerror", lambda error: watched.faults.append(f"page error: {error}"))
        page.on("request", watched.note_request)
        opened.append(watched)
        return watched

    yield make
    for watched in opened:
        watched.page.context.close()
    assert [fault for watched in opened for fault in watched.unexpected()] == []


@dataclass
class BenchServer:
    """The labeling server as a process of its own, and the workspace that it serves."""

    workspace: Workspace
    port: int
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "labeling.server", "--home", str(self.workspace.home)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert "ready" in self.process.stdout.readline()

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE / 1000)

    def votes(self, batch: str) -> list[EffectiveVote]:
        with self.workspace.ledger.read() as db:
            return votes.effective(db, batches.get(db, batch).id)


@pytest.fixture(scope="session")
def bench_server(
    tmp_path_factory: pytest.TempPathFactory, new_home: Path, free_port: Callable[[], int]
) -> Iterator[BenchServer]:
    home = shutil.copytree(new_home, tmp_path_factory.mktemp("bench") / "home")
    workspace = workspaces.open_existing(home)
    server = BenchServer(workspace, free_port())
    server.start()
    yield server
    server.stop()
    workspace.close()


@dataclass(frozen=True)
class Assigned:
    """A batch and a link to it."""

    batch: str
    link: str


Assign = Callable[..., Assigned]


@pytest.fixture
def assign(bench_server: BenchServer, tmp_path: Path) -> Assign:
    """`assign(records=None, count=4, **settings)`: imports a new batch, makes a link to it."""

    def make(records: list[dict[str, Any]] | None = None, count: int = 4, **more: Any) -> Assigned:
        name = f"batch {next(_numbers)}"
        _draw_pictures(tmp_path)
        lines = records if records is not None else [_record(n) for n in range(count)]
        file = tmp_path / "records.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        with bench_server.workspace.ledger.write() as tx:
            batches.create(tx, name, **more)
        report = swift_import.import_file(
            bench_server.workspace, file, batch=name, media_root=tmp_path
        )
        assert not report.rejected
        token = links.mint(bench_server.workspace, name, f"Ada of {name}").token
        return Assigned(name, links.url(bench_server.url, token))

    return make


def _record(number: int) -> dict[str, Any]:
    picture = ("dot.png", "bar.png")[number % 2]
    return {
        "messages": [
            {"role": "user", "content": f"<image>Question {number}?"},
            {"role": "assistant", "content": f"First answer to {number}."},
        ],
        "images": [picture],
        "rejected_response": f"Second answer to {number}.",
    }


def _draw_pictures(folder: Path) -> None:
    for name, size in (("dot.png", (64, 64)), ("bar.png", (400, 300))):
        picture = Image.new("RGB", size, "#eee")
        ImageDraw.Draw(picture).ellipse((8, 8, size[0] - 8, size[1] - 8), fill="#b33")
        picture.save(folder / name)
