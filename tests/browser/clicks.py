"""Clicks and entries on pages of the console, made again until their effect shows.

Streamlit draws a page anew after every entry, and live parts of it every few seconds: what is
clicked or typed in that moment may be lost, as a person sees and repeats.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, TimeoutError, expect

# milliseconds; a page with its frames takes seconds of computing on a small machine
PATIENCE = 120_000
# how long each try is given to show its effect before it is made again
RETRIES = (30_000, 30_000, 30_000, 60_000)
# below an address such as /pairs Streamlit first asks for its health at the wrong place
PROBES = r"console: Failed to load resource: .*404"
# pixels, as widgets.py draws tables
HEADER, ROW = 32, 28


def at_rest(page: Page) -> None:
    """Wait until the script has ended and every element has been loaded."""
    # what is folded is there, but hidden
    expect(page.get_by_test_id("stText").locator("visible=true").first).to_be_visible()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_attached()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def visit(page: Page, name: str) -> None:
    """Go to a page by its name in the header."""
    go(page, page.get_by_test_id("stHeader").get_by_role("link", name=name, exact=True))
    expect(page).to_have_title(f"{name} - Pairwright")


def follow(page: Page, name: str) -> None:
    """Go where a page itself points to."""
    go(page, content(page).get_by_role("link", name=name))


def go(page: Page, link: Locator) -> None:
    """Click until the page is another one."""
    before = urlsplit(page.url).path
    for patience in RETRIES:
        try:
            link.click(timeout=PATIENCE if patience == RETRIES[0] else patience)
            page.wait_for_url(
                lambda url: urlsplit(url).path != before, timeout=patience, wait_until="commit"
            )
        except TimeoutError:
            # a click that had its effect late: the link went with its page
            if urlsplit(page.url).path == before:
                continue
        return
    raise AssertionError(f"the link leads nowhere from {before}")


def press(button: Locator, outcome: Locator, first: Callable[[], object] = lambda: None) -> None:
    """Press until the outcome is there, for what goes away or may be pressed twice.

    `first` is done before each press.
    """
    for patience in RETRIES:
        try:
            first()
            button.click(timeout=PATIENCE if patience == RETRIES[0] else patience)
        except TimeoutError:
            # gone, so it was pressed
            continue
        if _shows(outcome, patience):
            return
    expect(outcome).to_be_visible()


def tick(page: Page, number: int, outcome: Locator) -> None:
    """Choose a row of the first table, counted from 0, until the outcome is there."""
    table = page.get_by_test_id("stDataFrame").first
    for patience in RETRIES:
        table.click(position={"x": 16, "y": HEADER + number * ROW + ROW // 2})
        if _shows(outcome, patience):
            return
    expect(outcome).to_be_visible()


def choose(page: Page, label: str, option: str, outcome: Locator) -> None:
    """Type into a list and pick. What is drawn anew meanwhile closes it: then again."""
    for patience in (2_000, 4_000, *RETRIES):
        page.get_by_role("combobox", name=label).first.fill(option)
        try:
            page.get_by_role("option", name=option, exact=True).click(timeout=patience)
        except TimeoutError:
            continue
        if _shows(outcome, max(patience, RETRIES[0])):
            return
    raise AssertionError(f"{option} cannot be chosen")


def enter(field: Locator, text: str) -> None:
    """Type until the text stays when the page has been drawn with it."""
    # a number may come back with more decimals
    kept = re.compile(rf"^{re.escape(text)}{'[.]?0*' if text[-1:].isdigit() else ''}$")
    for _ in RETRIES:
        field.fill(text)
        field.press("Enter")
        at_rest(field.page)
        try:
            expect(field).to_have_value(kept, timeout=RETRIES[0])
        except AssertionError:
            continue
        return
    raise AssertionError(f"{text} cannot be entered")


def content(page: Page) -> Locator:
    return page.get_by_test_id("stMain")


def cell(page: Page, text: str) -> Locator:
    """A cell of a table as a screen reader finds it: what is seen is drawn on a canvas."""
    return page.locator("[role=gridcell]", has_text=re.compile(f"^{re.escape(text)}$")).first


def _shows(outcome: Locator, patience: float) -> bool:
    # the cells of a table are there for screen readers alone
    is_cell = "gridcell" in str(outcome)
    try:
        outcome.wait_for(state="attached" if is_cell else "visible", timeout=patience)
    except TimeoutError:
        return False
    return True
