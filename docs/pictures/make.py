"""Makes the pictures of the README and the guide from the running product.

`python docs/pictures/make.py` runs the headless demo, lets two people judge the photographs, opens
everything in a browser and takes all pictures; with `--home DIR` it uses a copy of the workspace of
an earlier headless demo.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAIRWRIGHT = str(Path(sys.executable).with_name("pairwright"))
WAIT_SECONDS = 90
# page -> words that stand on it when it is drawn
PAGES = {
    "": "What needs you now",
    "batches?batch=photos": "Links",
    "pairs?batch=photos": "Pairs 1 to",
    "annotators?batch=photos": "What pulls the votes besides the answers",
    "agreement?batch=photos": "Cohen's kappa, two by two",
    "datasets": "Rows",
    "train": "Start training",
    "checkpoints": "Side by side",
    "rewards": "By category",
    "diff": "What became of the answers",
    "rounds": "Do more labels help",
}
PHOTOS = ROOT / "examples" / "photos" / "preferences.jsonl"
# voter -> one in so many votes is for the worse answer
VOTERS = {"ana": 11, "ben": 5}


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description="Make the pictures of the README and the guide.")
    parser.add_argument("--home", type=Path, help="workspace of an earlier headless demo")
    earlier = parser.parse_args().home
    folder = Path(tempfile.mkdtemp(prefix="pairwright-pictures-"))
    # where commands find the workspace by themselves: no picture shows a path of this machine
    home = folder / "pairwright-home"
    shutil.copytree(PHOTOS.parent, folder / PHOTOS.parent.relative_to(ROOT))
    if earlier:
        shutil.copytree(earlier, home)
    else:
        subprocess.run([PAIRWRIGHT, "demo", "--headless", "--home", str(home)], check=True)
    # whatever two people see differently goes to the lead at once
    _ask(home, "batch", "create", "photos", "--overlap", "2", "--review-limit", "2")
    _ask(home, "import", str(PHOTOS), "--batch", "photos")
    with _servers(home) as (labeling, console), _browser() as shoot:
        tokens = {who: _token(home, who) for who in VOTERS}
        shoot(f"{labeling}/j#{tokens['ana']}", "bench", (1280, 800), _bench_ready)
        for who, token in tokens.items():
            _vote(labeling, token, VOTERS[who])
        where = f"{console}/import?file=on+this+machine&batch=more&path={PHOTOS.relative_to(ROOT)}"
        shoot(where, "import", (1440, 900), _checked)
        for name, words in PAGES.items():
            target = name.partition("?")[0] or "overview"
            shoot(f"{console}/{name}", target, (1440, 900), _page_ready(words))
        run = [job for job in _ask(home, "job", "list")["jobs"] if job["kind"] == "train"][-1]
        shoot(f"{console}/runs?run={run['job']}", "runs", (1440, 1000), _runs_ready)
        lead = str(_ask(home, "pair", "settle", "--batch", "photos")["url"])
        shoot(lead, "settling", (1280, 800), _lead_ready)
    return 0


def _token(home: Path, who: str) -> str:
    link = _ask(home, "link", "create", "--batch", "photos", "--annotator", who)
    return str(link["url"]).partition("#")[2]


def _vote(labeling: str, token: str, wrong_of: int) -> None:
    """Judge the whole batch as the file does, but for one pair of so many."""
    records = map(json.loads, PHOTOS.read_text(encoding="utf-8").splitlines())
    better = {record["messages"][-1]["content"] for record in records}
    with httpx.Client(base_url=labeling, headers={"Origin": labeling}, timeout=60) as browser:
        browser.post("/api/session", json={"token": token}).raise_for_status()
        state = browser.get("/api/state").raise_for_status().json()
        while pair := state["current"]:
            is_right = pair["position"] % wrong_of != 0
            is_left = (pair["left"] in better) == is_right
            now = int(time.time() * 1000)
            vote = {
                "event": str(uuid.uuid4()),
                "kind": "vote",
                "assignment": pair["assignment"],
                "choice": "left" if is_left else "right",
                "shown_at": now - 6000,
                "decided_at": now,
                "active_ms": 6000,
            }
            state = browser.post("/api/votes", json=vote).raise_for_status().json()["state"]


def _ask(home: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [PAIRWRIGHT, "--json", "--home", str(home), *words], capture_output=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@contextmanager
def _servers(home: Path) -> Iterator[tuple[str, str]]:
    ports = [_free_port(), _free_port()]
    command = [PAIRWRIGHT, "--home", str(home), "up"]
    command += ["--labeling-port", str(ports[0]), "--console-port", str(ports[1])]
    command += ["--api-port", "0"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=home.parent)
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        _wait_for(f"{addresses[0]}/healthz")
        _wait_for(f"{addresses[1]}/_stcore/health")
        yield addresses[0], addresses[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(WAIT_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=5)  # noqa: S310
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


Shoot = Callable[[str, str, tuple[int, int], Callable[[Page], None]], None]


@contextmanager
def _browser() -> Iterator[Shoot]:
    """`shoot(address, name, size, ready)` takes one picture, in a page of its own."""
    chromium = _chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.flags())

        def shoot(
            address: str, name: str, size: tuple[int, int], ready: Callable[[Page], None]
        ) -> None:
            context = browser.new_context(viewport={"width": size[0], "height": size[1]})
            page = context.new_page()
            page.goto(address)
            ready(page)
            taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            context.close()
            # a palette is enough for a page, and a third of the bytes
            taken.quantize(256).save(HERE / f"{name}.png", optimize=True)
            print(HERE / f"{name}.png")

        yield shoot
        browser.close()


def _bench_ready(page: Page) -> None:
    page.get_by_text("Pair 1 / 48").wait_for(timeout=1000 * WAIT_SECONDS)
    page.wait_for_load_state("networkidle")


def _lead_ready(page: Page) -> None:
    page.locator("body[data-bench=pair]").wait_for(timeout=1000 * WAIT_SECONDS)
    page.wait_for_load_state("networkidle")


def _checked(page: Page) -> None:
    page.get_by_role("button", name="Check", exact=True).click(timeout=1000 * WAIT_SECONDS)
    page.get_by_text("The first pairs").first.wait_for(timeout=1000 * WAIT_SECONDS)
    _drawn(page)


def _runs_ready(page: Page) -> None:
    page.get_by_text("KL per token").first.wait_for(timeout=1000 * WAIT_SECONDS)
    _drawn(page)


def _page_ready(words: str) -> Callable[[Page], None]:
    def ready(page: Page) -> None:
        page.get_by_text(words).first.wait_for(timeout=1000 * WAIT_SECONDS)
        _drawn(page)

    return ready


def _drawn(page: Page) -> None:
    """Charts and tables have taken the places that were kept for them."""
    page.wait_for_timeout(2000)
    page.locator("[data-testid=stSkeleton]").first.wait_for(
        state="detached", timeout=1000 * WAIT_SECONDS
    )
    page.wait_for_timeout(2000)


def _chromium() -> ModuleType:
    place = ROOT / "tests" / "browser" / "chromium.py"
    spec = importlib.util.spec_from_file_location("chromium", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
