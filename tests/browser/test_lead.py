"""A lead's whole path in the browser: photographs, annotators, a dataset, checkpoints, a card.

Nothing is asked of the command line but the figures that the pages must show.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from examples.shapes.link import LabelingLink
from tests.browser.clicks import (
    PATIENCE,
    PROBES,
    cell,
    choose,
    content,
    enter,
    follow,
    press,
    tick,
    visit,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SHAPES_MODEL = EXAMPLES / "shapes" / "model"
RECORDS = 16
BY_KEYBOARD = 3
REPO = "lab/photos"


@dataclass(frozen=True)
class Product:
    """The product as its user has it: a workspace, and what `up` started on it."""

    home: Path
    console: str

    def run(self, *words: str) -> dict[str, Any]:
        """What a command says, for the figures that a page must show as well."""
        done = subprocess.run(
            [*command(self.home), "--json", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture
def product(
    tmp_path: Path, hub: Any, free_port: Callable[[], int], answering: Callable[..., None]
) -> Iterator[Product]:
    """`pairwright up` on a fresh workspace; its worker publishes on the Hub of the test."""
    home = tmp_path / "home"
    subprocess.run([*command(home), "init"], check=True, capture_output=True)
    labeling, console = free_port(), free_port()
    ports = ("--labeling-port", str(labeling), "--console-port", str(console), "--api-port", "0")
    token = {"HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1"}
    process = subprocess.Popen(
        [*command(home), "up", *ports],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **token},
    )
    try:
        for address in (f"{labeling}/healthz", f"{console}/_stcore/health"):
            answering(f"http://127.0.0.1:{address}", process)
        yield Product(home, f"http://127.0.0.1:{console}")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE / 1000) == 0


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """The first records of the photographs, with their pictures, in a folder of the lead's."""
    folder = tmp_path / "mine"
    shutil.copytree(EXAMPLES / "photos" / "images", folder / "images")
    lines = (EXAMPLES / "photos" / "preferences.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "photos.jsonl").write_text("\n".join(lines[:RECORDS]), encoding="utf-8")
    return folder / "photos.jsonl"


def test_a_lead_goes_from_photographs_to_a_card_on_the_hub(
    product: Product, hub: Any, photos: Path, new_page: Callable[..., Any]
) -> None:
    watched = new_page()
    watched.allowed.append(PROBES)
    page: Page = watched.page
    page.goto(product.console)

    import_photos(page, photos)
    links = [hand_out(page, who) for who in ("ana", "ben")]
    for link, errs in zip(links, (10 * RECORDS, 5), strict=True):
        vote(new_page().page, link, photos, errs)
    see_agreement(page, product)
    build_a_dataset(page)
    train(page)
    older, newer = see_runs(page, product)
    see_rewards(page, newer)
    compare(page, older, newer)
    use_and_roll_back(page, older, newer)
    publish(page, older)
    card = hub.repo(REPO).head.files["README.md"][1].decode()
    assert hub.repo(REPO).private
    assert older in card
    assert "pipeline_tag: image-text-to-text" in card


def import_photos(page: Page, photos: Path) -> None:
    """From the empty Overview, by the one step that it names."""
    follow(page, "Import")
    path = page.get_by_role("textbox", name="Path of the file")
    press(page.get_by_text("on this machine", exact=True), path)
    enter(path, str(photos))
    enter(page.get_by_role("textbox", name="Batch", exact=True), "photos")
    enter(page.get_by_role("spinbutton", name="Votes per pair"), "2")
    press(
        page.get_by_role("button", name="Check", exact=True),
        page.get_by_text("What would go in"),
    )
    expect(page.get_by_role("img", name="picture 1")).to_have_count(3)
    page.wait_for_function("[...document.images].every(each => each.naturalWidth > 0)")
    press(
        page.get_by_role("button", name="Import", exact=True),
        page.get_by_text(f"{RECORDS} records of photos.jsonl imported"),
    )


def hand_out(page: Page, who: str) -> str:
    """A link for one annotator; both addresses stay in sight until they are put away."""
    if "/batches" not in page.url:
        follow(page, "Batches")
    name = page.get_by_role("textbox", name="Annotator")
    press(
        page.get_by_role("button", name="Make a link"),
        page.get_by_text(f"Link for {who} to batch photos").first,
        # a form is emptied when it was sent
        first=lambda: name.fill(who),
    )
    return page.get_by_test_id("stCode").filter(has_text="/j#").first.inner_text().strip()


def vote(bench: Page, link: str, photos: Path, errs: int) -> None:
    """A few votes by keyboard; the others as a browser sends them, every `errs`-th one wrong."""
    bench.goto(link)
    for number in range(1, BY_KEYBOARD + 1):
        expect(bench.get_by_text(f"Pair {number} / {RECORDS}")).to_be_visible()
        # a pair that the server has not confirmed yet cannot be judged
        expect(bench.get_by_role("button", name="Left is better")).to_be_enabled()
        bench.keyboard.press("ab"[number % 2])
    expect(bench.get_by_text(f"Pair {BY_KEYBOARD + 1} / ")).to_be_visible()
    expect(bench.get_by_text("saved", exact=True)).to_be_visible()
    bench.context.close()
    records = [json.loads(line) for line in photos.read_text(encoding="utf-8").splitlines()]
    better = {record["messages"][-1]["content"] for record in records}
    errors = cycle([False] * (errs - 1) + [True])
    with LabelingLink(link) as seat:
        state = seat.state()
        while not state["finished"]:
            pair = state["current"]
            is_left = (pair["left"] in better) is not next(errors)
            state = seat.vote(pair["assignment"], "left" if is_left else "right", 2.0)


def see_agreement(page: Page, product: Product) -> None:
    """Kappa with its interval, as the command has it."""
    visit(page, "Agreement")
    (measured,) = product.run("agreement", "--batch", "photos")["cohen_kappa"]
    assert measured["n"] == RECORDS
    low, high = measured["ci95"]
    expect(page.get_by_text(f"{2 * RECORDS} votes of 2 annotators")).to_be_visible()
    expect(cell(page, f"{measured['value']:.2f}")).to_be_attached()
    expect(cell(page, f"{low:.2f} to {high:.2f}")).to_be_attached()


def build_a_dataset(page: Page) -> None:
    """By the next step that the Overview names."""
    visit(page, "Overview")
    follow(page, "Datasets")
    enter(page.get_by_role("spinbutton", name="Holdout"), "0.3")
    expect(page.get_by_test_id("stCode").filter(has_text="--holdout 0.3")).to_be_visible()
    press(page.get_by_role("button", name="Build", exact=True), page.get_by_text("Version v1"))


def train(page: Page) -> None:
    """Twice from the tiny model, the second time held closer to it."""
    follow(page, "Train")
    origin = page.get_by_role("combobox", name="Start from")
    origin.fill(str(SHAPES_MODEL))
    origin.press("Enter")
    enter(page.get_by_role("spinbutton", name="epochs"), "1")
    for beta in ("0.1", "0.2"):
        enter(page.get_by_role("spinbutton", name="beta"), beta)
        wanted = "--set epochs=1" + (" --set beta=0.2" if beta == "0.2" else "")
        expect(page.get_by_test_id("stCode").filter(has_text=wanted)).to_be_visible()
        # the link of the run before stands there until the page is drawn anew
        press(
            page.get_by_role("button", name="Start training"),
            page.get_by_text("These choices have been started as job"),
        )
        expect(content(page).get_by_role("link", name="Run ")).to_be_visible()


def see_runs(page: Page, product: Product) -> tuple[str, str]:
    """Both end well; the names of their checkpoints, the older one first."""
    follow(page, "Run ")
    expect(page.get_by_text(re.compile("^took "))).to_be_visible(timeout=3 * PATIENCE)
    expect(page.get_by_role("paragraph").get_by_text("succeeded")).to_be_visible()
    made = product.run("checkpoint", "list")["checkpoints"]
    newer, older = (checkpoint["name"] for checkpoint in made)
    return older, newer


def see_rewards(page: Page, newer: str) -> None:
    follow(page, "Rewards")
    expect(page.get_by_text("beta 0.2 · reference base · labels consensus")).to_be_visible()
    expect(page.get_by_role("combobox", name="Checkpoint")).to_have_value(newer)
    expect(page.get_by_text("By category")).to_be_visible()


def compare(page: Page, older: str, newer: str) -> None:
    visit(page, "Checkpoints")
    for name in (older, newer):
        chosen = page.get_by_test_id("stMultiSelect").get_by_text(name, exact=True)
        choose(page, "Checkpoints to compare", name, chosen)
    press(page.get_by_text("Side by side"), cell(page, "beta"))


def use_and_roll_back(page: Page, older: str, newer: str) -> None:
    """The older one is in use at last, as it was before the newer one."""
    for number, name in enumerate((older, newer)):
        tick(page, number, shown(page, name))
        press(
            page.get_by_role("button", name="Take into use"),
            page.get_by_text(f"{name} is in use since"),
        )
    press(
        page.get_by_role("button", name="Roll back"), page.get_by_text(f"{older} is in use since")
    )


def publish(page: Page, older: str) -> None:
    """The checkpoint that is in use, from its own page."""
    tick(page, 0, shown(page, older))
    repository = page.get_by_role("textbox", name="Repository on the Hub")
    press(page.get_by_role("tab", name="Publish"), repository)
    enter(repository, REPO)
    press(
        page.get_by_role("button", name="Publish", exact=True),
        page.get_by_text("The push is queued as job"),
    )
    follow(page, "Runs")
    published = page.get_by_text(f"Published as {REPO} (private)")
    expect(published).to_be_visible(timeout=3 * PATIENCE)


def shown(page: Page, name: str) -> Locator:
    """The head of a checkpoint that was chosen in the table."""
    return page.get_by_test_id("stText").get_by_text(name, exact=True)


def command(home: Path) -> list[str]:
    return [str(Path(sys.executable).with_name("pairwright")), "--home", str(home)]
