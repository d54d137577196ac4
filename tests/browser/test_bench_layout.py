"""The bench in small windows, at 200% zoom and under fingers."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

# a window of 768 pixels; 1280 by 800 at 200% zoom; a small tablet across
SIZES = [(768, 1024), (640, 400), (1024, 600)]
# names of things that lie on each other, stick out of their parent or have their words cut off
FAULTS = """() => {
    const shown = (each) => each.checkVisibility() && each.getBoundingClientRect().width > 0;
    const named = (each) => each.id || each.textContent.trim();
    const faults = [];
    const groups = ["#top > *", "#bench > *", "#desk > *", "#tools > *", "#sheets > *",
        "#choices button", "#remarks > *", "#confidence button"];
    for (const group of groups) {
        const all = [...document.querySelectorAll(group)].filter(shown);
        const boxes = all.map((each) => each.getBoundingClientRect());
        for (let a = 0; a < all.length; a += 1) for (let b = a + 1; b < all.length; b += 1) {
            const [one, other] = [boxes[a], boxes[b]];
            const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
            const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
            const stuck = [all[a], all[b]].some((e) => getComputedStyle(e).position === "sticky");
            if (across > 1 && down > 1 && !stuck) {
                faults.push(`${named(all[a])} lies on ${named(all[b])}`);
            }
        }
    }
    for (const each of document.querySelectorAll("#bench button")) {
        if (!shown(each)) continue;
        if (each.scrollWidth > each.clientWidth + 1) faults.push(`${named(each)} is cut off`);
        const { left, right } = each.getBoundingClientRect();
        if (left < 0 || right > innerWidth) faults.push(`${named(each)} is outside the window`);
    }
    const whole = document.scrollingElement.scrollWidth;
    if (whole > innerWidth) faults.push(`the page scrolls sideways: ${whole} in ${innerWidth}`);
    return faults;
}"""


def record() -> dict[str, Any]:
    asked = {"role": "user", "content": "<image><image><image>Which of these is red, and why?"}
    messages = [asked, {"role": "assistant", "content": "The first is red. " * 40}]
    pictures = ["dot.png", "bar.png", "dot.png"]
    return {"messages": messages, "rejected_response": "The second.", "images": pictures}


def opened(page: Page, link: str) -> None:
    page.goto(link)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()
    expect(page.locator("#connection-words")).to_have_text("saved")


def test_in_small_windows_nothing_lies_on_anything_or_is_cut_off(
    assign: Any, new_page: Any
) -> None:
    settings = {"guidelines": "Be fair.", "both_bad": True, "confidence": True}
    page = new_page(viewport={"width": 768, "height": 1024}, device_scale_factor=2).page
    opened(page, assign([record()], rubric="grounding", **settings).link)
    page.keyboard.press("d")
    page.keyboard.press("n")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(FAULTS) == [], (width, height)
        # answers keep room to be read, and can be reached
        for side in ("left", "right"):
            words = page.locator(f"#{side}-text")
            words.scroll_into_view_if_needed()
            box = words.bounding_box()
            assert box is not None
            assert box["width"] > 200
            assert box["height"] > 60


def test_a_layout_fault_is_found(assign: Any, new_page: Any) -> None:
    """The check checks: each planted fault is named."""
    page = new_page().page
    opened(page, assign([record()]).link)
    assert page.evaluate(FAULTS) == []
    page.add_style_tag(content="#choose-right { margin-left: -12rem !important; }")
    page.add_style_tag(content="#show-zoom { width: 1.5rem !important; min-width: 0 !important; }")
    faults = page.evaluate(FAULTS)
    assert any("lies on" in each for each in faults)
    assert any("show-zoom" in each for each in faults)


def test_taps_vote_once_each_and_open_the_picture(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign([record(), {**record(), "rejected_response": "The third."}])
    page = new_page(has_touch=True, viewport={"width": 768, "height": 1024}).page
    opened(page, assigned.link)
    page.locator("#pictures .zoom").nth(1).tap()
    expect(page.get_by_role("dialog", name="Picture 2 of 3")).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).tap()
    page.get_by_role("button", name="Right is better").tap()
    expect(page.locator("#pair-number")).to_have_text("Pair 2 / 2")
    page.get_by_role("button", name="Undo").tap()
    expect(page.locator("#pair-number")).to_have_text("Pair 1 / 2")
    page.get_by_role("button", name="Left is better").tap()
    expect(page.locator("#pair-number")).to_have_text("Pair 2 / 2")
    expect(page.locator("#connection-words")).to_have_text("saved")
    found = bench_server.votes(assigned.batch)
    assert [vote.verdict.value for vote in found] == [vote.left for vote in found]
    assert len(found) == 1
