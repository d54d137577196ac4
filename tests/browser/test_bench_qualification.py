"""A qualification round and guidelines with examples in Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from labeling import links
from storage import annotators, batches, gold, labels, qualifications, votes
from storage.qualifications import Decision
from storage.rows import Batch, ImportedLabel

pytestmark = pytest.mark.browser

SERIOUS = ("serious", "critical")

EARLY_AND_LATE = (("Early", "2d"), ("Late", None))
GUIDELINES = """Look at the picture first.

Example
Prompt: How many <b>dots</b>?
A: Two dots.
B: Three dots.
Better: B
Why: There are three.

Example
A: Only one answer is not an example.
"""


def at_pair(page: Page, words: str) -> None:
    expect(page.locator("#pair-number")).to_have_text(words)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()


def ask(bench_server: Any, name: str, pairs: int) -> Batch:
    """Make as many pairs as the round wants gold, with the first answer right, and explain them."""
    with bench_server.workspace.ledger.write() as tx:
        batch = batches.get(tx, name)
        for pair_id in sorted(_pairs(tx, batch))[:pairs]:
            labels.add(tx, ImportedLabel(pair_id, "a", "facts", batch.id, "facts.jsonl", 1, "r"))
        gold.mark(tx, batch.id, "facts")
        qualifications.ask(tx, batch.id, pairs, 1.0)
        for pair_id in gold.winners(tx, batch.id):
            qualifications.explain(tx, batch.id, pair_id, "Look at the <i>edge</i>.")
        return batches.get(tx, name)


def _pairs(tx: Any, batch: Batch) -> list[str]:
    query = "SELECT pair_id FROM batch_pairs WHERE batch_id = ?"
    return [row.pair_id for row in tx.exec_driver_sql(query, (batch.id,))]


def right_key(bench_server: Any) -> str:
    """The key that is right on the pair of the round that is open now, the newest of all."""
    query = (
        "SELECT left FROM assignments WHERE kind = 'qualification' ORDER BY offered_at, sequence"
    )
    with bench_server.workspace.ledger.read() as db:
        return "a" if db.exec_driver_sql(query).all()[-1].left == "a" else "b"


def test_who_passes_learns_what_is_right_and_goes_on_to_the_batch(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=4)
    ask(bench_server, assigned.batch, 2)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Qualification 1 / 2")
    told, go_on = page.locator("#lesson"), page.get_by_role("button", name="Go on")
    expect(told).to_contain_text("2 pairs first whose better answer is known")
    expect(go_on).to_be_hidden()
    key = right_key(bench_server)
    page.keyboard.press(key)
    expect(page.locator("#lesson-what")).to_have_text(f"Right: {key.upper()} is better.")
    expect(page.locator("#lesson-why")).to_have_text("Look at the <i>edge</i>.")
    expect(page.locator("#lesson-result")).to_have_text("1 of 1 right so far, 2 of 2 needed.")
    expect(go_on).to_be_focused()
    side = {"a": "left", "b": "right"}[key]
    expect(page.locator(".better")).to_have_id(f"answer-{side}")
    page.reload()
    expect(page.locator("#lesson-what")).to_have_text(f"Right: {key.upper()} is better.")
    for pressed in ("a", "b", "u", "s"):
        page.keyboard.press(pressed)
    found = [each for each in Axe().run(page).response["violations"] if each["impact"] in SERIOUS]
    assert found == []
    page.keyboard.press("Enter")
    at_pair(page, "Qualification 2 / 2")
    page.reload()
    at_pair(page, "Qualification 2 / 2")
    expect(told).to_be_hidden()
    page.keyboard.press(right_key(bench_server))
    expect(page.locator("#lesson-result")).to_contain_text("You passed: 2 of 2 right (100%)")
    go_on.click()
    at_pair(page, "Pair 1 / 2")
    page.keyboard.press("a")
    at_pair(page, "Pair 2 / 2")
    expect(told).to_be_hidden()
    expect(page.locator("#connection-words")).to_have_text("saved")
    assert len(bench_server.votes(assigned.batch)) == 1


def test_who_does_not_pass_waits_on_a_calm_page_until_a_lead_lets_them_in(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=2)
    batch = ask(bench_server, assigned.batch, 1)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Qualification 1 / 1")
    page.keyboard.press("f")
    expect(page.locator("#lesson-what")).to_contain_text("You chose too close to call.")
    expect(page.locator("#lesson-result")).to_have_text(
        "You did not pass: 0 of 1 right (0%), 1 needed."
    )
    page.keyboard.press("Enter")
    expect(page.locator("#message-what")).to_have_text("You did not pass the qualification round.")
    expect(page.locator("#message-next")).to_contain_text("can let you in")
    with bench_server.workspace.ledger.write() as tx:
        who = annotators.get_or_create(tx, f"Ada of {assigned.batch}").id
        qualifications.decide(tx, batch, who, Decision.ADMIT)
    page.reload()
    at_pair(page, "Pair 1 / 1")


def test_a_link_that_opens_nothing_yet_or_any_more_says_so(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    workspace, batch = bench_server.workspace, assign(count=1).batch
    early, late = (links.mint(workspace, batch, who, starts=when) for who, when in EARLY_AND_LATE)
    with workspace.ledger.write() as tx:
        expire = "UPDATE links SET expires_at = created_at WHERE id = ?"
        tx.exec_driver_sql(expire, (late.link.id,))
    watched = new_page()
    watched.allowed += ["403", "410"]
    for minted, what, after in (
        (early, "This labeling link does not work yet.", "It opens at 20"),
        (late, "This labeling link has expired.", "Ask the person who sent it for a new one."),
    ):
        watched.page.goto("about:blank")
        watched.page.goto(links.url(bench_server.url, minted.token))
        expect(watched.page.locator("#what")).to_have_text(what)
        expect(watched.page.locator("#next")).to_contain_text(after)


def test_a_link_with_a_pace_and_a_quota_keeps_votes_back_and_ends_calmly(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    workspace, batch = bench_server.workspace, assign(count=4).batch
    watched = new_page()
    watched.allowed.append("429")
    page = watched.page
    token = links.mint(workspace, batch, "Ben", quota=1).token
    page.goto(links.url(bench_server.url, token))
    at_pair(page, "Pair 1 / 1")
    page.keyboard.press("a")
    expect(page.locator("#message-what")).to_have_text("You have judged your share.")
    expect(page.locator("#message-next")).to_contain_text("You judged 1 pair.")
    token = links.mint(workspace, batch, "Cleo", pace=1).token
    page.goto(links.url(bench_server.url, token))
    at_pair(page, "Pair 1 / 3")
    page.keyboard.press("a")
    at_pair(page, "Pair 2 / 3")
    expect(page.locator("#connection-words")).to_have_text("saved")
    page.keyboard.press("a")
    expect(page.locator("#notice-words")).to_contain_text("takes 1 vote per minute")
    expect(page.locator("#connection-words")).to_have_text("saving")


def test_guidelines_show_their_examples_and_a_vote_says_which_version_was_shown(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=2, guidelines=GUIDELINES)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 2")
    page.keyboard.press("h")
    sheet = page.get_by_role("dialog", name="Guidelines")
    expect(sheet.locator(".example")).to_have_count(1)
    expect(sheet.locator(".field.better")).to_have_text("B, betterThree dots.")
    expect(sheet.locator(".example")).to_contain_text("How many <b>dots</b>?")
    expect(sheet).to_contain_text("Only one answer is not an example.")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    at_pair(page, "Pair 2 / 2")
    # the answer to a vote under way is newer than a state that was asked for before it came
    expect(page.locator("#connection-words")).to_have_text("saved")
    with bench_server.workspace.ledger.write() as tx:
        batches.update(tx, batches.get(tx, assigned.batch).id, guidelines="Be quick.")
    page.evaluate("() => window.dispatchEvent(new Event('online'))")
    expect(page.locator("#notice-words")).to_contain_text("The guidelines were changed")
    page.keyboard.press("b")
    expect(page.locator("#message-what")).to_have_text("All pairs of this batch are judged.")
    expect(page.locator("#connection-words")).to_have_text("saved")
    with bench_server.workspace.ledger.read() as db:
        mine = {each.assignment_id: each for each in votes.effective(db, _id(db, assigned))}
        shown = [
            event.guidelines_version
            for vote in mine.values()
            for event in votes.events(db, vote.pair_id)
            if event.assignment_id == vote.assignment_id
        ]
    assert shown == [1, 2]


def _id(db: Any, assigned: Any) -> str:
    return batches.get(db, assigned.batch).id
