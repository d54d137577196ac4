"""The console in Chromium: addresses, selection, live refresh, hostile text, light and dark."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from storage import annotators, assignments, batches, clock, events, jobs, swift_import, votes
from storage import workspace as workspaces
from storage.rows import Job, JobEvent, JobState, Verdict
from storage.workspace import Workspace
from tests.browser.clicks import PATIENCE, PROBES, at_rest, choose, press, tick

pytestmark = pytest.mark.browser

APP = Path(__file__).resolve().parents[2] / "console" / "app.py"
HOSTILE = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"> "
    "![x](https://evil.test/x.png) [a](javascript:alert(1)) :smile: $x$"
)
# the head of the pair that was chosen
PAIR = re.compile("^Pair [0-9a-f]{12} ")


@dataclass(frozen=True)
class Console:
    url: str
    workspace: Workspace
    log: Path


@pytest.fixture(scope="module")
def console(
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    answering: Callable[..., None],
) -> Iterator[Console]:
    """The console as a process of its own, started in a folder without any configuration."""
    folder = tmp_path_factory.mktemp("console")
    workspace = workspaces.create(folder / "home")
    fill(workspace, folder)
    port = free_port()
    url, log = f"http://127.0.0.1:{port}", folder / "console.log"
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    environment = {**os.environ, "PAIRWRIGHT_HOME": str(workspace.home)}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        answering(f"{url}/_stcore/health", process)
        yield Console(url, workspace, log)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE / 1000)
        workspace.close()
    assert "Traceback" not in log.read_text(encoding="utf-8")


def fill(workspace: Workspace, folder: Path) -> None:
    """Thirty pairs with a picture, the last of them hostile, and three votes on the first."""
    Image.new("RGB", (320, 240), "#7a9").save(folder / "p.png")
    texts = [f"Question {number}?" for number in range(29)] + [HOSTILE]
    records = [
        {
            "messages": [
                {"role": "user", "content": f"<image>{text}"},
                {"role": "assistant", "content": f"{text} yes"},
            ],
            "rejected_response": f"{text} no",
            "images": ["p.png"],
        }
        for text in texts
    ]
    (folder / "f.jsonl").write_text("\n".join(json.dumps(r) for r in records), encoding="utf-8")
    swift_import.import_file(workspace, folder / "f.jsonl", batch="photos", overlap=3)
    for who in ("ana", "ben", HOSTILE[:60]):
        vote(workspace, who)


def vote(workspace: Workspace, who: str) -> None:
    with workspace.ledger.write() as tx:
        batch, now = batches.get(tx, "photos"), clock.now(tx)
        offered = assignments.offer_next(
            tx,
            batch_id=batch.id,
            annotator_id=annotators.get_or_create(tx, who).id,
            new_id=uuid.uuid4().hex,
            left="a",
            now=now,
            leased_until=now,
        )
        assert offered is not None
        votes.append(
            tx,
            event_id=uuid.uuid4().hex,
            assignment_id=offered.id,
            kind="vote",
            verdict=Verdict.A,
            shown_at=now,
            decided_at=now,
            active_ms=1,
        )


def start_run(workspace: Workspace, name: str) -> Job:
    """A training that runs, with two points and an evaluation."""
    spec = {"settings": {"task_name": name, "kl_threshold": 0.5}, "dataset": "v1"}
    with workspace.ledger.write() as tx:
        jobs.submit(tx, kind="train", spec=spec, key=uuid.uuid4().hex)
        # longer than any test: the next claim would take a job whose lease is over
        job = jobs.claim(tx, worker="here", lease_seconds=86_400)
        assert job is not None
        job = jobs.mark_running(tx, job.id, job.fence, os.getpid())
    accuracy = {"value": 0.8, "ci95": [0.7, 0.9], "n": 240, "labels": HOSTILE[:40]}
    report(workspace, job, 1, "train", loss=0.69)
    report(workspace, job, 2, "holdout", preference_accuracy=accuracy)
    return job


def report(workspace: Workspace, job: Job, step: int, split: str, **values: Any) -> None:
    payload = {"step": step, "epoch": 0.1, "split": split, "values": values}
    with workspace.ledger.write() as tx:
        row = JobEvent(job.id, job.attempt, step, "metric", payload, 0)
        events.append(tx, job.id, job.fence, job.attempt, [row])


def end_run(workspace: Workspace, job: Job) -> None:
    with workspace.ledger.write() as tx:
        jobs.finish(tx, job.id, job.fence, JobState.CANCELLED)


@pytest.fixture
def view(console: Console, new_page: Any) -> Any:
    """`view("/pairs")`: a page in a browser of its own, loaded to its end."""

    def show(address: str, **settings: Any) -> Page:
        watched = new_page(**settings)
        watched.allowed.append(PROBES)
        page: Page = watched.page
        lost: list[str] = []
        page.on("response", lambda r: lost.append(r.url) if r.status >= 400 else None)
        page.goto(console.url + address)
        at_rest(page)
        assert not [url for url in lost if "/_stcore/" not in url]
        return page

    return show


# not for its time: what is slow comes first, and this is about the first visit
@pytest.mark.slow
def test_the_first_visit_of_a_server_may_be_any_page(view: Any) -> None:
    page = view("/runs")
    for name in ("Overview", "Pairs", "Runs"):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    expect(page.get_by_text("There are no runs yet")).to_be_visible()


def test_filters_page_and_selection_are_in_the_address(view: Any) -> None:
    page = view("/pairs")
    choose(page, "Batch", "photos", page.get_by_text("Pairs 1 to 25 of 30"))
    expect(page).to_have_url(re.compile("batch=photos"))
    last = page.get_by_text("Pairs 26 to 30 of 30")
    press(page.get_by_role("button", name="Next", exact=True), last)
    tick(page, 2, page.get_by_text(PAIR))
    expect(page).to_have_url(re.compile(r"pair=[0-9a-f]{64}"))
    assert "batch=photos" in page.url
    assert "after=" in page.url
    chosen = page.url.partition("pair=")[2][:12]
    expect(page.get_by_text(f"Pair {chosen} ")).to_be_visible()
    again = view(page.url.removeprefix(page.url.split("/pairs")[0]))
    expect(again.get_by_text(f"Pair {chosen} ")).to_be_visible()
    expect(again.get_by_text("Pairs 26 to 30 of 30")).to_be_visible()


def test_a_changed_filter_goes_back_to_the_first_page_and_forgets_the_pair(view: Any) -> None:
    page = view("/pairs?before=end")
    tick(page, 1, page.get_by_text(PAIR))
    expect(page).to_have_url(re.compile(r"pair="))
    choose(page, "Annotator", "ana", page.get_by_text("Pairs 1 to 1 of 1", exact=True))
    # the address follows what is drawn
    expect(page).not_to_have_url(re.compile("before=|pair="))
    expect(page.get_by_text("A, confidence 0.96 from 3 votes")).to_be_visible()


def test_hostile_text_stays_text(view: Any) -> None:
    page = view("/pairs?text=evil")
    expect(page.get_by_text(f"{HOSTILE} yes", exact=True)).to_be_visible()
    overview = view("/")
    assert {page.title(), overview.title()}.isdisjoint({"taken"})


def test_a_live_run_keeps_selection_and_tab_while_others_arrive(
    console: Console, view: Any
) -> None:
    old = start_run(console.workspace, "the old one")
    page = view(f"/runs?run={old.id}")
    log = page.get_by_role("tab", name="Log", selected=True)
    press(page.get_by_role("tab", name="Log"), log)
    later = [start_run(console.workspace, f"later {number}") for number in range(2)]
    report(console.workspace, old, 3, "train", loss=None)
    expect(page.get_by_text("1 point of training is not a number.")).to_be_visible()
    expect(page.get_by_text("Training the old one")).to_be_visible()
    expect(log).to_be_visible()
    assert f"run={old.id}" in page.url
    tick(page, 0, page.get_by_text("Training later 1"))
    expect(page).to_have_url(re.compile(f"run={later[1].id}"))
    for job in (old, *later):
        end_run(console.workspace, job)


def test_a_run_is_stopped_with_two_clicks(console: Console, view: Any) -> None:
    job = start_run(console.workspace, "to be stopped")
    page = view(f"/runs?run={job.id}")
    sure, state = page.get_by_role("button", name="Stop this run"), page.get_by_role("paragraph")
    press(page.get_by_role("button", name="Stop", exact=True), sure)
    press(sure, state.get_by_text("cancelling"))
    end_run(console.workspace, job)
    expect(state.get_by_text("cancelled")).to_be_visible()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_accessibility_problem(
    console: Console, view: Any, scheme: str
) -> None:
    job = start_run(console.workspace, "looked at")
    end_run(console.workspace, job)
    problems = []
    page = view("/", color_scheme=scheme)
    pages = ("import", "batches", "pairs", "agreement", "datasets", "train", "checkpoints")
    for address in (
        "/",
        *(f"/{name}" for name in (*pages, "rewards", "diff", f"runs?run={job.id}")),
    ):
        page.goto(console.url + address)
        at_rest(page)
        found = Axe().run(page).response["violations"]
        problems += [
            (address, item["id"], [node["html"][:160] for node in item["nodes"]][:3])
            for item in found
            if item["impact"] in ("serious", "critical")
        ]
    assert not problems


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", "101"), ("evil.test", "403")])
def test_a_page_of_another_name_gets_no_connection(
    console: Console, host: str, status: str
) -> None:
    port = int(console.url.rpartition(":")[2])
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert connection.recv(64).split()[1].decode() == status
