"""Makes the pictures of the README and the guide from the running product.

`python docs/pictures/make.py` runs the headless demo, opens its workspace in a browser and takes
all pictures; with `--home DIR` it uses the workspace of an earlier headless demo.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAIRWRIGHT = str(Path(sys.executable).with_name("pairwright"))
WAIT_SECONDS = 90
# page -> words that stand on it when it is drawn
PAGES = {
    "datasets": "Rows",
    "checkpoints": "Side by side",
    "rewards": "By category",
    "diff": "Where answers changed",
}


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description="Make the pictures of the README and the guide.")
    parser.add_argument("--home", type=Path, help="workspace of an earlier headless demo")
    home = parser.parse_args().home or Path(tempfile.mkdtemp(prefix="pairwright-pictures-"))
    if not (home / "workspace.json").exists():
        subprocess.run([PAIRWRIGHT, "demo", "--headless", "--home", str(home)], check=True)
    photos = ROOT / "examples" / "photos" / "preferences.jsonl"
    _ask(home, "import", str(photos), "--batch", "photos")
    with _servers(home) as (labeling, console):
        link = _ask(home, "link", "create", "--batch", "photos", "--annotator", "ana")
        run = [job for job in _ask(home, "job", "list")["jobs"] if job["kind"] == "train"][-1]
        token = str(link["url"]).partition("#")[2]
        _shoot(f"{labeling}/j#{token}", HERE / "bench.png", (1280, 800), _bench_ready)
        _shoot(f"{console}/runs?run={run['job']}", HERE / "runs.png", (1440, 1000), _runs_ready)
        for name, words in PAGES.items():
            _shoot(f"{console}/{name}", HERE / f"{name}.png", (1440, 900), _page_ready(words))
    return 0


def _ask(home: Path, *words: str) -> dict[str, object]:
    done = subprocess.run(
        [PAIRWRIGHT, "--json", "--home", str(home), *words], capture_output=True, check=True
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@contextmanager
def _servers(home: Path) -> Iterator[tuple[str, str]]:
    ports = [_free_port(), _free_port()]
    command = [PAIRWRIGHT, "--home", str(home), "up"]
    command += ["--labeling-port", str(ports[0]), "--console-port", str(ports[1])]
    command += ["--api-port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


def _shoot(
    address: str, target: Path, size: tuple[int, int], ready: Callable[[Page], None]
) -> None:
    chromium = _chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.flags())
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.goto(address)
        ready(page)
        page.screenshot(path=target)
        browser.close()
    print(target)


def _bench_ready(page: Page) -> None:
    page.get_by_text("Pair 1 / 48").wait_for(timeout=1000 * WAIT_SECONDS)
    page.wait_for_load_state("networkidle")


def _runs_ready(page: Page) -> None:
    page.get_by_text("KL per token").first.wait_for(timeout=1000 * WAIT_SECONDS)
    _drawn(page)


def _page_ready(words: str) -> Callable[[Page], None]:
    def ready(page: Page) -> None:
        page.get_by_text(words, exact=True).first.wait_for(timeout=1000 * WAIT_SECONDS)
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
