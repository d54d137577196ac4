"""Key to next pair: how long after a key press the next pair is painted in Chromium.

50 presses on a batch of pairs with pictures, each measured from the browser's own time stamp of the
key event to the first frame after the new pair is in the page. The rival is a page that waits for
the server: the round trip of the same vote post by plain `fetch` from the same page, which such a
page needs at least before it can paint. Prints one JSON object.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect, sync_playwright

# before this folder, where `labeling.py` would be taken for the room of the same name
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from labeling import links
from storage import swift_import, workspace

PRESSES = 50
ROOT = Path(__file__).resolve().parent.parent

_WATCH = """() => {
  window.measured = [];
  let pressed = 0;
  document.addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
  new MutationObserver(() => {
    if (!pressed) return;
    const from = pressed;
    pressed = 0;
    // the frame callback runs before the paint, the message after it
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.measured.push(performance.now() - from);
      channel.port2.postMessage(0);
    });
  }).observe(document.getElementById("left-text"), { childList: true });
}"""

_POST = """async () => {
  const state = await (await fetch("/api/state")).json();
  const now = Date.now();
  const body = JSON.stringify({
    event: crypto.randomUUID(), kind: "vote", assignment: state.current.assignment,
    choice: "skip", shown_at: now, decided_at: now, active_ms: 1,
  });
  const from = performance.now();
  const headers = { "Content-Type": "application/json" };
  await (await fetch("/api/votes", { method: "POST", headers, body })).json();
  return performance.now() - from;
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        link = _prepare(Path(folder), pairs=2 * PRESSES + 4)
        with _server(Path(folder) / "home") as url, _page() as page:
            page.goto(link.replace("http://bench", url))
            ours = _press(page)
            rival = [float(page.evaluate(_POST)) for _ in range(PRESSES)]
    mine, theirs = _summary(ours), _summary(rival)
    result = {
        "measure": "key to next pair painted, ms",
        "ours": mine,
        "rival": {"name": "vote post by plain fetch, round trip", **theirs},
        "ratio_of_medians": round(mine["median_ms"] / theirs["median_ms"], 3),
        "cpu_count": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(result, indent=2))


def _press(page: Page) -> list[float]:
    number = page.locator("#pair-number")
    expect(number).to_contain_text("Pair 1 /", timeout=60_000)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()
    page.evaluate(_WATCH)
    for pair in range(1, PRESSES + 1):
        # as for a person, the upcoming pair is there before the key is pressed
        expect(page.locator("#connection-words")).to_have_text("saved", timeout=60_000)
        page.wait_for_timeout(60)
        page.keyboard.press("ab"[pair % 2])
        expect(number).to_contain_text(f"Pair {pair + 1} /", timeout=60_000)
    page.wait_for_timeout(500)
    measured: list[float] = page.evaluate("() => window.measured")
    assert len(measured) == PRESSES, f"{len(measured)} of {PRESSES} presses were measured"
    return measured


def _summary(values: Sequence[float]) -> dict[str, Any]:
    percentiles = statistics.quantiles(values, n=20, method="inclusive")
    return {
        "n": len(values),
        "median_ms": round(statistics.median(values), 1),
        "p95_ms": round(percentiles[-1], 1),
        "max_ms": round(max(values), 1),
    }


def _prepare(folder: Path, pairs: int) -> str:
    """A workspace with pairs on pictures of 1,024 x 768 pixels; the link to label them."""
    for number in range(8):
        picture = Image.effect_noise((1024, 768), 40 + number).convert("RGB")
        ImageDraw.Draw(picture).ellipse((200, 200, 500 + 20 * number, 500), fill="#b33")
        picture.save(folder / f"{number}.png")
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"<image>What is in picture {number}?"},
                {"role": "assistant", "content": f"A circle of size {number}. " * 8},
            ],
            "images": [f"{number % 8}.png"],
            "rejected_response": f"A square of size {number}. " * 12,
        }
        for number in range(pairs)
    ]
    file = folder / "records.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    home = workspace.create(folder / "home")
    try:
        swift_import.import_file(home, file, batch="bench", media_root=folder)
        return links.url("http://bench", links.mint(home, "bench", "bench").token)
    finally:
        home.close()


@contextmanager
def _server(home: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "labeling.server", "--home", str(home), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@contextmanager
def _page() -> Iterator[Page]:
    spec = importlib.util.spec_from_file_location("chromium", ROOT / "tests/browser/chromium.py")
    assert spec is not None
    assert spec.loader is not None
    chromium = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(chromium)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.flags())
        yield browser.new_page(viewport={"width": 1440, "height": 900})
        browser.close()


if __name__ == "__main__":
    main()
