"""From a link to a checkpoint, as people do it: the browser, the console and the command line."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from examples.shapes.prompts import write_prompts

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
SHAPES_MODEL = ROOT / "examples" / "shapes" / "model"
PHOTOS = ROOT / "examples" / "photos" / "preferences.jsonl"
FIGURES = ("preference_accuracy", "reward_accuracy", "reward_gap", "kl_per_token")
# a console page with its frames takes seconds of computing on a small machine
PATIENCE = 90_000
# below an address such as /pairs Streamlit first asks for its health at the wrong place
PROBES = r"console: Failed to load resource: .*404"


@dataclass(frozen=True)
class Product:
    """The product as its user has it: the command, and three servers on one workspace."""

    home: Path
    labeling: str
    console: str

    def run(self, *words: str) -> dict[str, Any]:
        return run_command(self.home, *words)


def run_command(home: Path, *words: str) -> dict[str, Any]:
    command = [str(Path(sys.executable).with_name("pairwright")), "--json", "--home", str(home)]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    home = tmp_path / "home"
    run_command(home, "init")
    ports = [_free_port(), _free_port()]
    command = [str(Path(sys.executable).with_name("pairwright")), "--home", str(home), "up"]
    command += ["--labeling-port", str(ports[0]), "--console-port", str(ports[1])]
    command += ["--api-port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    labeling, console = (f"http://127.0.0.1:{port}" for port in ports)
    try:
        _wait_for(f"{labeling}/healthz")
        _wait_for(f"{console}/_stcore/health")
        yield Product(home, labeling, console)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=90) == 0


def test_from_link_to_checkpoint(
    product: Product, new_page: Callable[..., Any], tmp_path: Path
) -> None:
    product.run("model", "add", "shapes-tiny", str(SHAPES_MODEL))
    prompts = write_prompts(tmp_path / "asked", 60, 3, "train")
    start = ("--from", "shapes-tiny")
    sampled = product.run(
        "sample", "--prompts", str(prompts), *start, "--batch", "shapes", "--wait"
    )
    assert sampled["state"] == "succeeded"
    link = product.run("link", "create", "--batch", "shapes", "--annotator", "ana")

    bench: Page = new_page().page
    bench.goto(link["url"].replace(_origin(link["url"]), product.labeling))
    for number in range(1, 11):
        expect(bench.get_by_text(f"Pair {number} / ")).to_be_visible(timeout=PATIENCE)
        # a pair that the server has not confirmed yet cannot be judged
        expect(bench.get_by_role("button", name="Left is better")).to_be_enabled(timeout=PATIENCE)
        bench.keyboard.press("ab"[number % 2])
    expect(bench.get_by_text("Pair 11 / ")).to_be_visible(timeout=PATIENCE)
    expect(bench.get_by_text("saved", exact=True)).to_be_visible(timeout=PATIENCE)

    watched = new_page()
    watched.allowed.append(PROBES)
    watched.page.goto(f"{product.console}/pairs?annotator=ana")
    expect(watched.page.get_by_text("Pairs 1 to 10 of 10")).to_be_visible(timeout=PATIENCE)

    version = product.run("dataset", "build", "--batch", "shapes", "--holdout", "0.3")
    assert version["rows"] == 10
    assert version["labels"] == "ana"
    trained = product.run(
        "train", "--dataset", version["version"], *start, "--set", "epochs=1", "--wait"
    )
    assert trained["state"] == "succeeded"
    for name in FIGURES:
        assert trained["metrics"][name]["labels"] == "ana"
        assert trained["metrics"][name]["n"] > 0
    kept = product.run("checkpoint", "show", trained["checkpoint"])
    assert kept["dataset_version"] == version["version"]


def test_the_photographs_train_the_tiny_model_by_their_imported_labels(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run_command(home, "init")
    report = run_command(home, "import", str(PHOTOS), "--batch", "photos")
    assert (report["records"], report["pairs"], len(report["rejected"])) == (48, 48, 0)
    built = run_command(home, "dataset", "build", "--batch", "photos", "--labels", "imported")
    assert built["rows"] == 48
    trained = run_command(
        home,
        *("train", "--dataset", built["version"], "--from", str(SHAPES_MODEL)),
        *("--set", "epochs=1", "--wait"),
    )
    assert trained["state"] == "succeeded"
    assert trained["metrics"]["preference_accuracy"]["labels"] == "imported"
    out = tmp_path / "exported"
    run_command(home, "dataset", "export", built["version"], "--format", "swift", "--out", str(out))
    assert _contents(out / "preferences.jsonl") == _contents(PHOTOS)


def _contents(path: Path) -> list[tuple[str, ...]]:
    """What a file of records says, whatever the names of its pictures."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(
        (
            record["id"],
            record["category"],
            json.dumps(record["messages"]),
            record["rejected_response"],
            str(len(record.get("images", []))),
        )
        for record in records
    )


def _origin(address: str) -> str:
    return "/".join(address.split("/")[:3])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _wait_for(address: str) -> None:
    for _ in range(900):
        try:
            if httpx.get(address, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")
