"""A lead in Chromium: opened by a link, decided by keys, names on asking, nothing lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from labeling.adjudication import access
from storage import annotators, assignments, batches, clock, lead_log, pairs, reports, votes
from storage.ledger import Connection
from storage.rows import Batch, Verdict

pytestmark = pytest.mark.browser

LONG = "A names the place of the cup, and B does not. " * 12
# a request to another origin fails any page
ATTACK = "<img src=https://evil.test/n onerror=window.__xss=1><script>window.__xss=1</script>"
NOTE = f"bass: <b>B</b> counts right ![x](https://evil.test/m) {ATTACK}"


@pytest.fixture
def disputed(bench_server: Any, assign: Any) -> Batch:
    """Three pairs with pictures: Ada says A, Ben says B; Cay reported the last one."""
    name = assign(count=3, overlap=2, review_limit=2, rubric="grounding").batch
    with bench_server.workspace.ledger.write() as tx:
        batch = batches.get(tx, name)
        last = pairs.page(tx, pairs.PairFilter(batch=name), 3)[-1].pair.id
        _go_through(
            tx,
            batch,
            f"Cay of {name}",
            lambda one: _report(tx, one) if one.pair_id == last else None,
        )
        attacker = f"Ben {ATTACK}"[:80]
        for who, verdict, note in (("Ada", "a", LONG), (attacker, "b", NOTE)):
            _go_through(tx, batch, f"{who} of {name}", lambda one: _vote(tx, one, verdict, note))  # noqa: B023
    return batch


def _go_through(tx: Connection, batch: Batch, who: str, say: Callable[[Any], None]) -> None:
    person, now = annotators.get_or_create(tx, who), clock.now(tx)
    while one := assignments.offer_next(
        tx,
        batch_id=batch.id,
        annotator_id=person.id,
        new_id=uuid.uuid4().hex,
        left="b",
        now=now,
        leased_until=now,
    ):
        say(one)


def _vote(tx: Connection, one: Any, verdict: str, note: str) -> None:
    votes.append(
        tx,
        event_id=str(uuid.uuid4()),
        assignment_id=one.id,
        kind="vote",
        verdict=Verdict(verdict),
        note=note,
        rubric={"a": {"accuracy": 4}, "b": {"accuracy": 2}},
        shown_at=1,
        decided_at=2,
        active_ms=4000,
    )


def _report(tx: Connection, one: Any) -> None:
    reports.append(
        tx, event_id=str(uuid.uuid4()), assignment_id=one.id, kind="nonsense", note="what is 0?"
    )


def open_bench(page: Page, bench_server: Any, batch: Batch) -> None:
    page.goto(access.address(bench_server.workspace, bench_server.url, "Lea", batch.name))
    expect(page.locator("body[data-bench]")).to_be_visible()


def waiting(page: Page, words: str) -> None:
    expect(page.locator("#pair-number")).to_have_text(words)
    expect(page.locator("#connection-words")).to_have_text("saved")


def decided(bench_server: Any, batch: Batch) -> list[lead_log.Decision]:
    with bench_server.workspace.ledger.read() as db:
        found = pairs.page(db, pairs.PairFilter(batch=batch.name), 9)
        every = [one for view in found for one in lead_log.decisions(db, view.pair.id)]
    mine = [one for one in every if one.batch_id == batch.id]
    return sorted(mine, key=lambda one: one.decided_at)


def test_a_lead_settles_the_queue_by_keys(
    bench_server: Any, disputed: Batch, new_page: Any
) -> None:
    page = new_page().page
    open_bench(page, bench_server, disputed)
    waiting(page, "3 pairs wait")
    assert page.url.endswith("/lead/")
    said = page.locator("#said-list")
    expect(said.locator("article.said.left h3")).to_have_text("Annotator 1")
    expect(said).to_contain_text(NOTE)
    expect(said).not_to_contain_text("Ada")
    first = page.locator("#turns").inner_text()
    page.keyboard.press("v")
    expect(said).to_contain_text("Ada of")
    expect(said).to_contain_text("Ben <img")
    assert said.locator("img, script, b, a").count() == 0
    assert page.evaluate("() => window.__xss") is None
    page.keyboard.press("n")
    page.keyboard.type("A names the place")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    waiting(page, "2 pairs wait")
    expect(said).not_to_contain_text("Ada of")
    page.keyboard.press("x")
    waiting(page, "1 pair waits")
    page.keyboard.press("f")
    waiting(page, "No pair waits")
    expect(page.locator("#message-what")).to_have_text("No pair waits for a lead.")
    named, withdrawn, tied = decided(bench_server, disputed)
    assert (named.outcome, named.reason, named.circumstances) == (
        *(Verdict.A, "A names the place", lead_log.Circumstances(names_seen=True)),
    )
    assert withdrawn.circumstances == lead_log.Circumstances(False, pair_withdrawn=True)
    assert (tied.outcome, tied.lead) == (Verdict.TIE, "Lea")
    for words in ("1 pair waits", "2 pairs wait", "3 pairs wait"):
        page.keyboard.press("u")
        waiting(page, words)
    expect(page.locator("#turns")).to_have_text(first, use_inner_text=True)
    assert decided(bench_server, disputed) == []


def test_a_skip_stays_after_a_reload_and_a_report_is_dismissed(
    bench_server: Any, disputed: Batch, new_page: Any
) -> None:
    page = new_page().page
    open_bench(page, bench_server, disputed)
    waiting(page, "3 pairs wait")
    dismiss = page.locator("#dismiss-reports")
    expect(dismiss).to_have_attribute("aria-disabled", "true")
    for _ in range(2):
        before = page.locator("#turns").inner_text()
        page.keyboard.press("s")
        expect(page.locator("#turns")).not_to_have_text(before, use_inner_text=True)
    last = page.locator("#turns").inner_text()
    page.reload()
    expect(page.locator("#turns")).to_have_text(last, use_inner_text=True)
    expect(page.locator("article.report")).to_contain_text("what is 0?")
    page.keyboard.press("r")
    # contested as well: it goes on waiting, without the report
    expect(page.locator("article.report")).to_contain_text("Report, dismissed")
    expect(dismiss).to_have_attribute("aria-disabled", "true")
    waiting(page, "3 pairs wait")


def test_a_decision_made_offline_is_kept_and_sent_once(
    bench_server: Any, disputed: Batch, new_page: Any
) -> None:
    watched = new_page()
    watched.allowed.append("ERR_INTERNET_DISCONNECTED")
    page = watched.page
    open_bench(page, bench_server, disputed)
    waiting(page, "3 pairs wait")
    page.context.set_offline(True)
    page.keyboard.press("b")
    expect(page.locator("#pair-number")).to_have_text("2 pairs wait")
    expect(page.locator("#connection-words")).to_have_text("offline: 1 waiting")
    page.context.set_offline(False)
    waiting(page, "2 pairs wait")
    assert [one.outcome for one in decided(bench_server, disputed)] == [Verdict.B]


def test_a_used_link_says_what_to_do(bench_server: Any, disputed: Batch, new_page: Any) -> None:
    watched = new_page()
    watched.allowed.append("410")
    address = access.address(bench_server.workspace, bench_server.url, "Lea", disputed.name)
    body, sent = {"token": address.split("#")[1]}, {"Origin": bench_server.url}
    opened = httpx.post(f"{bench_server.url}/api/lead/session", json=body, headers=sent)
    assert opened.status_code == 200
    page = watched.page
    page.goto(address)
    expect(page.locator("#what")).to_have_text("This link was opened before: it opens once.")
    expect(page.locator("#next")).to_have_text("Press Settle disputes in the console again.")


def test_the_page_is_accessible_and_no_wider_than_the_window(
    bench_server: Any, disputed: Batch, new_page: Any
) -> None:
    page = new_page(color_scheme="dark").page
    open_bench(page, bench_server, disputed)
    waiting(page, "3 pairs wait")
    for width, height in ((1440, 900), (1024, 768), (768, 600)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        serious = [
            (each["id"], [node["target"] for node in each["nodes"]])
            for each in Axe().run(page).response["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        assert serious == [], scheme
