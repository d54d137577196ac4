"""What a screen reader gets from the bench: names, roles, the order of Tab, announcements."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

# collects every text that a live region takes on, as a screen reader would speak it
LISTEN = """() => {
    window.spoken = [];
    const live = "[aria-live], [role=status], [role=alert]";
    new MutationObserver((changes) => {
        for (const { target } of changes) {
            const region = (target.nodeType === 1 ? target : target.parentElement)?.closest(live);
            if (region?.checkVisibility()) spoken.push(region.textContent);
        }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
# the element with the focus, as its role or tag and its name
FOCUSED = """() => {
    const each = document.activeElement;
    if (!each || each === document.body) return "nothing";
    const name = each.getAttribute("aria-label")
        ?? each.labels?.[0]?.textContent ?? each.textContent.trim();
    return `${each.getAttribute("role") ?? each.localName} ${name}`;
}"""
TABS = [
    *("button Guidelines", "button Keys", "button Difference", "button Zoom", "button Boxes"),
    *("button Reasoning", "button Note", "button Report", "group Prompt"),
    *("button Picture 1 of 2, enlarge", "button Picture 2 of 2, enlarge"),
    *("group Answer A", "group Answer B", "button Guess", "button Likely", "button Sure"),
    *("button Too close to call", "button Both bad", "button Skip", "button Undo"),
    *("button Left is better", "button Right is better"),
]


def record() -> dict[str, Any]:
    asked = {"role": "user", "content": "<image><image>Which is red?"}
    messages = [asked, {"role": "assistant", "content": "The first."}]
    pictures = ["dot.png", "bar.png"]
    return {"messages": messages, "rejected_response": "The second.", "images": pictures}


def opened(page: Page, link: str) -> None:
    page.goto(link)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()
    expect(page.locator("#connection-words")).to_have_text("saved")


def test_every_part_has_a_role_and_a_name_and_tab_goes_through_all_of_them(
    assign: Any, new_page: Any
) -> None:
    page = new_page().page
    settings = {"guidelines": "Be fair.", "both_bad": True, "confidence": True}
    opened(page, assign([record()], **settings).link)
    tree = page.locator("body").aria_snapshot()
    parts = [
        'heading "Pair 1 / 1" [level=1]',
        'region "Connection"',
        'region "Prompt"',
        'button "Picture 1 of 2, enlarge"',
        'region "Answer A"',
        'heading "A" [level=2]',
        'region "Answer B"',
        'heading "B" [level=2]',
        'group "How sure, optional"',
        'group "Your choice"',
    ]
    places = [tree.index(part) for part in parts]
    assert places == sorted(places), tree
    for button in (each.removeprefix("button ") for each in TABS if each.startswith("button ")):
        # the key on a button is no part of its name
        assert re.search(rf'button "{button}"', tree), button
    # pictures are named by their number alone
    assert set(re.findall(r'img "([^"]*)"', tree)) <= {"Picture 1 of 2", "Picture 2 of 2"}
    walked = []
    for _ in TABS:
        page.keyboard.press("Tab")
        walked.append(page.evaluate(FOCUSED))
    assert walked == TABS


def test_a_new_pair_saving_going_offline_and_a_refusal_are_announced(
    assign: Any, new_page: Any
) -> None:
    watched = new_page()
    watched.allowed.append("ERR_INTERNET_DISCONNECTED")
    page = watched.page
    opened(page, assign([record(), {**record(), "images": ["bar.png", "dot.png"]}]).link)
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Left is better", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pair-number")).to_have_text("Pair 2 / 2")
    expect(page.locator("#connection-words")).to_have_text("saved")
    # who votes by Enter stays where they are
    assert page.evaluate(FOCUSED) == "button Left is better"
    spoken = page.evaluate("() => spoken.splice(0)")
    assert "Pair 2 / 2" in spoken
    assert spoken.index("saving") < spoken.index("saved")
    page.context.set_offline(True)
    page.keyboard.press("s")
    expect(page.locator("#connection-words")).to_have_text("offline: 1 waiting")
    spoken = page.evaluate("() => spoken")
    assert "offline: 1 waiting" in spoken
    assert "Offline. Votes are kept in this browser." in spoken
    page.context.set_offline(False)
    expect(page.locator("#message-what")).to_have_text("All pairs of this batch are judged.")
    assert any(
        "All pairs of this batch are judged." in each for each in page.evaluate("() => spoken")
    )


def test_ratings_missing_are_announced_and_each_scale_has_its_name(
    assign: Any, new_page: Any
) -> None:
    page = new_page().page
    opened(page, assign([record()], rubric="grounding").link)
    page.evaluate(LISTEN)
    page.keyboard.press("a")
    missing = "Rate both answers first. Missing: 4 for A, 4 for B."
    expect(page.locator("#notice-words")).to_have_text(missing)
    assert missing in page.evaluate("() => spoken")
    tree = page.locator("body").aria_snapshot()
    assert len(re.findall(r'radiogroup "Answer [AB], [^"]+: 1 [^"]+, 5 [^"]+"', tree)) == 8
    assert (
        page.evaluate("() => document.activeElement.closest('.criterion').dataset.side") == "left"
    )
