"""A whole session in Chromium with a canary in every secret: every byte both ways, all that the
browser keeps, and all that stands in the page. Then one pair shown both ways, byte by byte."""

from __future__ import annotations

import base64
import importlib.util
import itertools
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, expect

from labeling import links
from storage import (
    adjudications,
    annotators,
    assignments,
    batches,
    clock,
    gold,
    models,
    pairs,
    reports,
    swift_import,
    votes,
)
from storage.ledger import Connection
from storage.rows import AssignmentKind, Batch, Verdict
from storage.workspace import Workspace

pytestmark = pytest.mark.browser

_numbers = itertools.count(1)
_place = Path(__file__).with_name("wiretap.py")
_spec = importlib.util.spec_from_file_location("wiretap", _place)
assert _spec is not None
assert _spec.loader is not None
wiretap: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(wiretap)

# what scripts could keep in a browser, and what stands in the page
KEPT = """async () => {
    const bases = {};
    for (const { name } of await indexedDB.databases()) {
        const base = await new Promise((done, failed) => {
            const asked = indexedDB.open(name);
            asked.onsuccess = () => done(asked.result);
            asked.onerror = () => failed(asked.error);
        });
        for (const store of base.objectStoreNames) {
            const asked = base.transaction(store).objectStore(store).getAll();
            await new Promise((done) => { asked.onsuccess = done; });
            bases[`${name}.${store}`] = asked.result;
        }
    }
    const fields = [...document.querySelectorAll("input, textarea")].map((each) => each.value);
    return JSON.stringify([
        { ...localStorage }, { ...sessionStorage }, bases, await caches.keys(), document.cookie,
        history.state, location.href, document.title, window.name, fields,
        document.documentElement.outerHTML,
    ]);
}"""


@dataclass
class Watch:
    """A browser under a wiretap: what it sends, gets, keeps, shows and says."""

    tap: Any
    page: Page
    looks: list[str] = field(default_factory=list)

    def look(self) -> None:
        self.looks.append(self.page.evaluate(KEPT))

    def everything(self) -> dict[str, bytes]:
        # a compressed body would hide what is in it
        assert b"\r\ncontent-encoding:" not in self.tap.received.lower()
        looks = "\n".join(self.looks).encode()
        return {"sent": self.tap.sent, "received": self.tap.received, "browser": looks}


@pytest.fixture
def watch(bench_server: Any, new_page: Any) -> Iterator[Watch]:
    watched = new_page(extra_http_headers={"Accept-Encoding": "identity"})
    with wiretap.tapped(bench_server.port) as tap:
        found = Watch(tap, watched.page)
        watched.page.on("console", lambda message: found.looks.append(message.text))
        yield found
        # before the wiretap ends, so that the page misses nothing
        watched.page.context.close()


def open_link(watch: Watch, workspace: Workspace, batch: str, who: str) -> None:
    token = links.mint(workspace, batch, who).token
    watch.page.goto(links.url(watch.tap.url, token))
    expect(watch.page.locator("body[data-bench=pair]")).to_be_visible()


def telling_batch(workspace: Workspace, add_telling_pair: Any, folder: Path) -> Batch:
    """Pairs of checkpoints and of a file, gold pairs, repeats, and what others said of all."""
    name = f"CANARY-BATCH {next(_numbers)}"
    checks = {"gold_rate": 0.3, "repeat_rate": 0.5, "review_limit": 4}
    asked = {"rubric": "grounding", "confidence": True, "both_bad": True, "guidelines": "Be fair."}
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, name, overlap=2, **asked, **checks)  # type: ignore[arg-type]
        for number in range(10):
            add_telling_pair(tx, workspace, batch, number, 1)
        models.add(tx, f"CANARY-REGISTERED {name}", "/CANARY-FOLDER/model")
    file = write_telling_file(folder)
    assert not swift_import.import_file(workspace, file, batch=name).rejected
    with workspace.ledger.write() as tx:
        # gold pairs get no normal votes: of the checkpoints' pairs, those come from the file
        assert gold.mark(tx, batch.id, "imported").gold == 3
        say_something_of_all(tx, batch)
    return batch


def write_telling_file(folder: Path) -> Path:
    told = PngInfo()
    told.add_text("Comment", "CANARY-COMMENT")
    Image.new("RGB", (40, 30), "#b33").save(folder / "CANARY-PICTURE.png", pnginfo=told)
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"<image>What of {number}?"},
                {"role": "assistant", "content": f"<think>Hm.</think>Red {number}."},
            ],
            "images": ["CANARY-PICTURE.png"],
            "rejected_response": f"Blue {number}.",
        }
        for number in range(3)
    ]
    file = folder / "CANARY-IMPORT.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def say_something_of_all(tx: Connection, batch: Batch) -> None:
    """Somebody votes on every pair, reports one, and a lead decides one."""
    who = annotators.get_or_create(tx, "CANARY-COLLEAGUE").id
    now = clock.now(tx)
    offer = {"batch_id": batch.id, "annotator_id": who, "now": now, "leased_until": now}
    times = {"shown_at": now, "decided_at": now, "active_ms": 900}
    said: list[str] = []
    while given := assignments.offer_next(tx, new_id=uuid.uuid4().hex, left="a", **offer):
        event = {"event_id": uuid.uuid4().hex, "assignment_id": given.id}
        if len(said) == 3:
            reports.append(tx, **event, kind="other", note="CANARY-REPORT")
        else:
            votes.append(tx, **event, kind="vote", verdict=Verdict.A, note="CANARY-NOTE", **times)
        said.append(given.pair_id)
    why = {"lead": "CANARY-LEAD", "outcome": Verdict.B, "reason": "CANARY-REASON"}
    adjudications.decide(tx, batch_id=batch.id, pair_id=said[0], **why)


def secrets_of(workspace: Workspace, batch: Batch) -> set[str]:
    """Ids that would tell which pairs, answers or pictures are the same."""
    with workspace.ledger.read() as db:
        views = pairs.page(db, pairs.PairFilter(batch=batch.name), 100)
    found = {each for view in views for each in vars(view.pair).values()}
    return found | {media for view in views for media in view.prompt.media} | {batch.id}


def work_through(watch: Watch) -> None:
    """Everything that the bench can do, then every pair that is left."""
    page = watch.page
    for key in ("h", "Escape", "?", "Escape", "d", "g", "t", "z", "+", "Escape", *"51423514"):
        page.keyboard.press(key)
    page.keyboard.press("n")
    page.keyboard.type("One is off.")
    watch.look()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Counting", exact=True).click()
    for key in "auafu":
        page.keyboard.press(key)
        expect(page.locator("#connection-words")).to_have_text("saved")
        watch.look()
    page.reload()
    expect(page.locator("body[data-bench=pair]")).to_be_visible()
    page.keyboard.press("r")
    page.get_by_label("Something else").check()
    page.get_by_role("button", name="Report and go on").click()
    over = re.compile("No pair is waiting for you|All pairs of this batch are judged")
    # most with a winner, as people do
    for key in itertools.cycle("xbbbsbbbf"):
        for each in ("11112222" if key == "b" else "") + key:
            page.keyboard.press(each)
        expect(page.locator("#connection-words")).to_have_text("saved")
        watch.look()
        if over.search(page.inner_text("#message-what")):
            break
    expect(page.locator("#message-what")).to_have_text(over)


def test_no_secret_reaches_the_browser_in_any_byte(
    bench_server: Any, add_telling_pair: Any, watch: Watch, tmp_path: Path
) -> None:
    workspace = bench_server.workspace
    batch = telling_batch(workspace, add_telling_pair, tmp_path)
    who = f"CANARY-ANNOTATOR of {batch.name}"
    open_link(watch, workspace, batch.name, who)
    work_through(watch)
    with workspace.ledger.read() as db:
        judged = [vote for vote in votes.effective(db, batch.id) if vote.annotator == who]
    # repeats come by chance in so few pairs; tests/labeling/test_blind_session.py has them too
    assert {vote.kind for vote in judged} >= {AssignmentKind.NORMAL, AssignmentKind.GOLD}
    words = {"CANARY", "adjudication", "review_limit", *secrets_of(workspace, batch)}
    for where, data in watch.everything().items():
        assert len(data) > 20_000, where
        assert wiretap.leaks(data, words) == [], where


def test_a_canary_in_the_words_of_a_prompt_or_of_a_note_is_found(
    bench_server: Any, assign: Any, watch: Watch
) -> None:
    """The detector detects: what is shown is in what came, what is typed is kept, then sent."""
    question = {"role": "user", "content": "Is CANARY-SHOWN a bird?"}
    messages = [question, {"role": "assistant", "content": "Yes."}]
    assigned = assign([{"messages": messages, "rejected_response": "No."}])
    open_link(watch, bench_server.workspace, assigned.batch, f"Eve of {assigned.batch}")
    watch.page.keyboard.press("n")
    watch.page.keyboard.type("CANARY-TYPED")
    watch.look()
    watch.page.keyboard.press("Escape")
    watch.page.keyboard.press("a")
    expect(watch.page.locator("#message-what")).to_be_visible()
    found = watch.everything()
    assert wiretap.leaks(found["received"], {"CANARY-SHOWN"})
    assert wiretap.leaks(found["sent"], {"CANARY-TYPED"})
    assert not wiretap.leaks(found["sent"], {"CANARY-SHOWN"})
    kept, shown = json.loads(watch.looks[-1])[0], json.loads(watch.looks[-1])[-1]
    assert wiretap.leaks(json.dumps(kept).encode(), {"CANARY-TYPED"})
    assert wiretap.leaks(shown.encode(), {"CANARY-SHOWN"})


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_canary_in_another_spelling_is_found(place: int) -> None:
    hidden = ["x" * place + "a CANARY sings"]
    for data in (
        base64.b64encode(hidden[0].encode()),
        hidden[0].encode().hex().encode(),
        hidden[0].encode("utf-16"),
    ):
        assert wiretap.leaks(data, {"CANARY"})
        assert not wiretap.leaks(data, {"SPARROW"})


# both answers are built alike, so that exchanging these words exchanges the answers
EXCHANGED = {"quokka": "numbat", "jerboa": "zorilla"}


def mirrored_record() -> dict[str, Any]:
    text = (
        "<think>First quokka.</think>The same, jerboa\u200b and "
        '{"bbox_2d": [40, 30, 200, 150], "label": "quokka"}'
    )
    question = {"role": "user", "content": "<image>Where?"}
    messages = [question, {"role": "assistant", "content": text}]
    return {"messages": messages, "rejected_response": exchanged(text), "images": ["bar.png"]}


def exchanged(text: str) -> str:
    both = {**EXCHANGED, **{other: one for one, other in EXCHANGED.items()}}
    return re.sub("|".join(both), lambda found: both[found[0]], text)


@dataclass(frozen=True)
class Seat:
    """Somebody's cookie, and whether the answer with the quokka stands on the left."""

    cookie: dict[str, str]
    assignment: str
    quokka_left: bool


def opposite_seats(workspace: Workspace, url: str, batch: str) -> list[Seat]:
    """Two annotators who see the pair of a batch both ways; sides are drawn by chance."""
    found: dict[bool, Seat] = {}
    for number in range(24):
        token = links.mint(workspace, batch, f"{number} of {batch}").token
        with httpx.Client(base_url=url, headers={"Origin": url}, timeout=60) as http:
            assert http.post("/api/session", json={"token": token}).status_code == 200
            current = http.get("/api/state").json()["current"]
            ((name, value),) = http.cookies.items()
        seat = Seat(
            {"name": name, "value": value}, current["assignment"], "quokka" in current["left"]
        )
        found.setdefault(seat.quokka_left, seat)
        if len(found) == 2:
            return list(found.values())
    raise AssertionError("24 draws gave one side: chance is 1 in 8 million")


def look_at_everything(watch: Watch, seat: Seat) -> None:
    page = watch.page
    page.context.add_cookies([{**seat.cookie, "url": watch.tap.url}])
    page.goto(f"{watch.tap.url}/bench/")
    expect(page.locator("body[data-bench=pair]")).to_be_visible()
    expect(page.locator("#pictures img")).to_have_js_property("naturalWidth", 400)
    watch.look()
    for key in ("dgt", "z"):
        for each in key:
            page.keyboard.press(each)
        watch.look()
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator("#message-what")).to_be_visible()
    expect(page.locator("#connection-words")).to_have_text("saved")
    watch.look()


def without_chance(text: str, watch: Watch, seat: Seat) -> str:
    """What was seen or sent without fresh random ids and times, the quokka on the left."""
    for drawn in (seat.assignment, seat.cookie["value"], watch.tap.url.rpartition(":")[2]):
        text = text.replace(drawn, "DRAWN")
    text = re.sub(r'("?desk"?[=:]"?)[0-9a-f]{24}|(outbox|draft)\.[0-9a-f]{24}', r"\1\2DESK", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "EVENT", text)
    text = re.sub(r'"(shown_at|decided_at|active_ms)":\d+', r'"\1":0', text)
    # the number of digits in those times changes the length of a vote
    text = re.sub(r"(?im)^(date|POST [^\0]*?\ncontent-length): .*$", r"\1", text)
    return text if seat.quokka_left else exchanged(text)


def test_swapping_sides_exchanges_the_answers_and_no_other_byte(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    batch = assign([mirrored_record()], overlap=30).batch
    seen: list[tuple[list[str], set[str], set[str]]] = []
    for seat in opposite_seats(bench_server.workspace, bench_server.url, batch):
        with wiretap.tapped(bench_server.port) as tap:
            watch = Watch(tap, new_page(extra_http_headers={"Accept-Encoding": "identity"}).page)
            look_at_everything(watch, seat)
            watch.page.context.close()
        looks = [without_chance(each, watch, seat) for each in watch.looks]
        sent, received = (
            {without_chance(each, watch, seat) for each in wiretap.messages(stream)}
            for stream in (tap.sent, tap.received)
        )
        seen.append((looks, sent, received))
    (looks, sent, received), (other_looks, other_sent, other_received) = seen
    assert [len(each) for each in (looks, other_looks)] == [4, 4]
    for one, other in zip(looks, other_looks, strict=True):
        assert json.loads(one) == json.loads(other)
    assert any("quokka" in each and "jerboa" in each for each in received)
    assert sent == other_sent
    assert received == other_received
