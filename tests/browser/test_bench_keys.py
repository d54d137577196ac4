"""The list of keys, keys of one's own, and presses that must not count, in Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def at_pair(page: Page, words: str) -> None:
    expect(page.locator("#pair-number")).to_have_text(words)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()


def saved(page: Page) -> None:
    expect(page.locator("#connection-words")).to_have_text("saved")


def change(page: Page, what: str, key: str) -> None:
    page.get_by_role("button", name=f"Change the key of: {what}").click()
    page.keyboard.press(key)


def test_the_list_of_keys_opens_by_key_and_button_and_takes_no_votes(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=2)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 2")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_be_visible()
    expect(sheet.get_by_role("row", name="Too close to call F")).to_be_visible()
    expect(sheet.get_by_role("button", name="Close", exact=True)).to_be_focused()
    page.keyboard.press("a")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Keys").click()
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    at_pair(page, "Pair 1 / 2")
    assert bench_server.votes(assigned.batch) == []


# key -> what is on the page after it was pressed; Esc undoes it
OPENS = {
    "d": "#show-difference[aria-pressed=true]",
    "g": "#pictures svg.boxes",
    "t": ".fold[aria-expanded=true]",
    "n": "#note:focus",
    "z": "#viewer[open]",
    "r": "#report[open]",
    "h": "#guide[open]",
    "?": "#keys[open]",
}
VOTES = "abfxs"


def test_every_key_of_the_list_does_what_it_says(assign: Any, new_page: Any) -> None:
    box = '<think>Hm.</think>{"bbox_2d": [40, 30, 200, 150]}'
    record = {
        "messages": [
            {"role": "user", "content": "<image>Where?"},
            {"role": "assistant", "content": box},
        ],
        "images": ["bar.png"],
        "rejected_response": "Nowhere.",
    }
    page = new_page().page
    other = {**record, "rejected_response": "Anywhere."}
    page.goto(assign([record, other], guidelines="Be fair.", both_bad=True).link)
    at_pair(page, "Pair 1 / 2")
    actions = page.evaluate("async () => (await import('/static/keys.js')).ACTIONS")
    # a key without a test here is a key too many
    assert {each["key"] for each in actions} == {*OPENS, *VOTES, "u"}
    for key, opened in OPENS.items():
        expect(page.locator(opened)).to_have_count(0)
        page.keyboard.press(key)
        expect(page.locator(opened)).to_be_visible()
        page.keyboard.press("Escape")
    for key in VOTES:
        page.keyboard.press(key)
        at_pair(page, "Pair 2 / 2")
        page.keyboard.press("u")
        at_pair(page, "Pair 1 / 2")


def test_a_key_of_ones_own_votes_stands_on_the_button_and_outlives_a_reload(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=4)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 4")
    page.keyboard.press("?")
    change(page, "Left is better", "j")
    expect(page.get_by_role("status").get_by_text("Left is better has J now.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#choose-left")).to_have_attribute("data-key", "J")
    page.keyboard.press("a")
    at_pair(page, "Pair 1 / 4")
    page.reload()
    at_pair(page, "Pair 1 / 4")
    page.keyboard.press("j")
    at_pair(page, "Pair 2 / 4")
    page.keyboard.press("?")
    page.get_by_role("button", name="Reset all keys").click()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("a")
    at_pair(page, "Pair 3 / 4")
    saved(page)
    found = bench_server.votes(assigned.batch)
    assert [vote.verdict.value for vote in found] == [vote.left for vote in found]


def test_a_key_that_is_taken_changes_places_and_no_action_is_left_without_one(
    assign: Any, new_page: Any
) -> None:
    page = new_page().page
    page.goto(assign(count=2).link)
    at_pair(page, "Pair 1 / 2")
    page.keyboard.press("?")
    change(page, "Skip", "a")
    expect(page.locator("#keys [role=status]")).to_have_text(
        "Skip has A now. Left is better has S now."
    )
    change(page, "Skip", "4")
    expect(page.locator("#keys [role=status]")).to_contain_text("4 cannot be used")
    change(page, "Skip", "Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    caps = page.locator("#bench button[data-key]").evaluate_all(
        "(all) => all.map((each) => each.dataset.key)"
    )
    assert sorted(caps) == sorted("ABFXSUDZGTNRH?")
    expect(page.locator("#choose-skip")).to_have_attribute("data-key", "A")


def test_a_held_enter_and_a_double_click_judge_one_pair(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=6)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 6")
    page.locator("#choose-left").focus()
    for _ in range(8):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    at_pair(page, "Pair 2 / 6")
    page.locator("#choose-right").dblclick()
    at_pair(page, "Pair 3 / 6")
    saved(page)
    at_pair(page, "Pair 3 / 6")
    assert len(bench_server.votes(assigned.batch)) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_list_of_keys(
    assign: Any, new_page: Any, scheme: str
) -> None:
    page = new_page(color_scheme=scheme).page
    page.goto(assign(count=1).link)
    at_pair(page, "Pair 1 / 1")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
