"""The bench when the network, the server, the link or a second tab get in the way."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labeling import links
from storage import links as link_rows

pytestmark = pytest.mark.browser

DISCONNECTED = "ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY"


def at_pair(page: Page, words: str) -> None:
    expect(page.locator("#pair-number")).to_have_text(words)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()


def connection(page: Page, words: str) -> None:
    expect(page.locator("#connection-words")).to_have_text(words)


def test_votes_cast_offline_wait_and_are_saved_when_the_network_is_back(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=4)
    watched = new_page()
    watched.allowed += [DISCONNECTED, "ERR_FAILED"]
    page = watched.page
    # without pairs ahead there are those on the desk, and then one waits for the network
    page.route("**/api/ahead", lambda route: route.abort())
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 4")
    page.context.set_offline(True)
    page.keyboard.press("a")
    at_pair(page, "Pair 2 / 4")
    connection(page, "offline: 1 waiting")
    page.keyboard.press("b")
    connection(page, "offline: 2 waiting")
    expect(page.locator("#message-what")).to_contain_text("when the connection is back")
    page.keyboard.press("u")
    at_pair(page, "Pair 2 / 4")
    page.keyboard.press("f")
    assert bench_server.votes(assigned.batch) == []
    page.context.set_offline(False)
    connection(page, "saved")
    at_pair(page, "Pair 3 / 4")
    found = bench_server.votes(assigned.batch)
    assert [vote.verdict.value for vote in found] == [found[0].left, "tie"]


def test_ten_votes_cast_offline_are_all_saved_and_the_eleventh_pair_follows(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=13)
    watched = new_page()
    watched.allowed.append(DISCONNECTED)
    page = watched.page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 13")
    # each comes with its picture
    loaded = "performance.getEntriesByType('resource').filter((e) => e.name.includes('/media/'))"
    page.wait_for_function(f"() => {loaded}.length >= 12")
    page.context.set_offline(True)
    for number in range(1, 11):
        at_pair(page, f"Pair {number} / 13")
        expect(page.locator("#pictures img")).not_to_have_js_property("naturalWidth", 0)
        page.keyboard.press("af"[number % 2])
        connection(page, f"offline: {number} waiting")
    page.keyboard.press("u")
    page.keyboard.press("b")
    at_pair(page, "Pair 11 / 13")
    page.context.set_offline(False)
    connection(page, "saved")
    at_pair(page, "Pair 11 / 13")
    found = bench_server.votes(assigned.batch)
    tied = [vote.verdict.value == "tie" for vote in found]
    assert tied == [number % 2 == 1 for number in range(1, 11)]
    assert found[-1].verdict.value != found[-1].left


def test_ten_choices_made_offline_outlive_a_reload_and_are_sent_in_order(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    """Two pairs are in the browser when the network goes: votes and undos take turns on them."""
    assigned = assign(count=4)
    watched = new_page()
    watched.allowed.append("ERR_FAILED")
    page = watched.page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 4")
    page.route("**/api/votes", lambda route: route.abort())
    for number, key in enumerate("abufuusfua", start=1):
        page.keyboard.press(key)
        connection(page, f"offline: {number} waiting")
    page.reload()
    connection(page, "offline: 10 waiting")
    assert bench_server.votes(assigned.batch) == []
    page.unroute("**/api/votes")
    connection(page, "saved")
    at_pair(page, "Pair 3 / 4")
    found = bench_server.votes(assigned.batch)
    assert [vote.verdict.value for vote in found] == ["skip", found[1].left]


def test_a_restart_of_the_server_loses_nothing_and_does_not_reload_the_page(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=4)
    watched = new_page()
    watched.allowed.append(DISCONNECTED)
    page = watched.page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 4")
    page.evaluate("() => { window.sameDocument = true; }")
    bench_server.stop()
    try:
        page.keyboard.press("a")
        at_pair(page, "Pair 2 / 4")
        connection(page, "offline: 1 waiting")
    finally:
        bench_server.start()
    connection(page, "saved")
    at_pair(page, "Pair 2 / 4")
    assert page.evaluate("() => window.sameDocument")
    assert len(bench_server.votes(assigned.batch)) == 1


def test_a_reload_keeps_the_pair_and_the_votes_that_wait(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=4)
    watched = new_page()
    watched.allowed.append("ERR_FAILED")
    page = watched.page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 4")
    page.route("**/api/votes", lambda route: route.abort())
    page.keyboard.press("a")
    at_pair(page, "Pair 2 / 4")
    shown = page.inner_text("#desk")
    page.reload()
    at_pair(page, "Pair 2 / 4")
    assert page.inner_text("#desk") == shown
    connection(page, "offline: 1 waiting")
    page.unroute("**/api/votes")
    connection(page, "saved")
    assert len(bench_server.votes(assigned.batch)) == 1


def test_two_tabs_show_the_same_pair_and_count_every_pair_once(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=3)
    watched = new_page()
    watched.allowed.append("409")
    first = watched.page
    first.goto(assigned.link)
    at_pair(first, "Pair 1 / 3")
    second = first.context.new_page()
    # this tab does not hear of what happens in the other one
    second.add_init_script(
        "window.addEventListener('storage', (event) => event.stopImmediatePropagation())"
    )
    second.goto(f"{bench_server.url}/bench/")
    at_pair(second, "Pair 1 / 3")
    assert second.inner_text("#desk") == first.inner_text("#desk")
    first.keyboard.press("a")
    at_pair(first, "Pair 2 / 3")
    connection(first, "saved")
    second.keyboard.press("b")
    expect(second.locator("#notice-words")).to_contain_text("already")
    at_pair(second, "Pair 2 / 3")
    found = bench_server.votes(assigned.batch)
    assert [vote.verdict.value for vote in found] == [found[0].left]


def test_a_tab_follows_what_is_judged_in_another_one(assign: Any, new_page: Any) -> None:
    first = new_page().page
    first.goto(assign(count=3).link)
    at_pair(first, "Pair 1 / 3")
    second = first.context.new_page()
    second.goto(first.url)
    at_pair(second, "Pair 1 / 3")
    first.keyboard.press("a")
    at_pair(second, "Pair 2 / 3")
    second.keyboard.press("u")
    at_pair(second, "Pair 1 / 3")
    at_pair(first, "Pair 1 / 3")


def test_a_page_whose_columns_are_drawn_anew_comes_back(assign: Any, new_page: Any) -> None:
    page = new_page().page
    page.goto(assign(count=3).link)
    at_pair(page, "Pair 1 / 3")
    page.keyboard.press("a")
    at_pair(page, "Pair 2 / 3")
    connection(page, "saved")
    page.evaluate("document.getElementById('prompt').replaceChildren()")
    expect(page.locator("#pictures")).to_be_attached()
    at_pair(page, "Pair 2 / 3")


def test_a_second_link_in_the_same_browser_never_takes_the_votes_of_the_first(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    one, other = assign(count=3), assign(count=3)
    watched = new_page()
    watched.allowed += ["ERR_FAILED", "404"]
    page = watched.page
    page.goto(one.link)
    at_pair(page, "Pair 1 / 3")
    page.route("**/api/votes", lambda route: route.abort())
    page.keyboard.press("a")
    connection(page, "offline: 1 waiting")
    page.goto(other.link)
    at_pair(page, "Pair 1 / 3")
    page.unroute("**/api/votes")
    page.keyboard.press("b")
    at_pair(page, "Pair 2 / 3")
    connection(page, "saved")
    assert bench_server.votes(one.batch) == []
    page.goto(one.link)
    at_pair(page, "Pair 2 / 3")
    connection(page, "saved")
    assert len(bench_server.votes(one.batch)) == 1
    assert len(bench_server.votes(other.batch)) == 1


def test_a_withdrawn_link_says_so_and_keeps_the_vote_until_a_new_one_is_opened(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=3)
    watched = new_page()
    watched.allowed.append("410")
    page = watched.page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 3")
    with bench_server.workspace.ledger.write() as tx:
        for link in link_rows.listed(tx):
            link_rows.revoke(tx, link.id)
    page.keyboard.press("a")
    expect(page.locator("#message-what")).to_have_text("This labeling link was withdrawn.")
    expect(page.locator("#message-next")).to_contain_text("1 vote kept in this browser")
    who = f"Ada of {assigned.batch}"
    token = links.mint(bench_server.workspace, assigned.batch, who).token
    page.goto(links.url(bench_server.url, token))
    at_pair(page, "Pair 2 / 3")
    connection(page, "saved")
    assert len(bench_server.votes(assigned.batch)) == 1


@pytest.mark.parametrize(
    ("path", "words", "status"),
    [
        ("/bench/", "This browser has not opened a labeling link.", "401"),
        ("/j#pw_wrong", "This labeling link is not valid.", "404"),
        ("/j", "The address of this link is incomplete.", "none"),
    ],
)
def test_without_a_valid_link_the_page_says_what_to_do(
    bench_server: Any, new_page: Any, path: str, words: str, status: str
) -> None:
    watched = new_page()
    watched.allowed.append(status)
    watched.page.goto(bench_server.url + path)
    expect(watched.page.get_by_text(words)).to_be_visible()
    expect(watched.page.get_by_text("link", exact=False).last).to_be_visible()


def test_a_picture_that_cannot_be_loaded_leaves_the_pair_usable(assign: Any, new_page: Any) -> None:
    watched = new_page()
    watched.allowed.append("ERR_FAILED")
    page = watched.page
    page.route("**/media/**", lambda route: route.abort())
    page.goto(assign(count=2).link)
    at_pair(page, "Pair 1 / 2")
    expect(page.locator(".lost")).to_contain_text("Picture could not be loaded.")
    page.keyboard.press("f")
    at_pair(page, "Pair 2 / 2")
    expect(page.locator(".lost")).to_contain_text("Picture could not be loaded.")
    page.keyboard.press("s")
    expect(page.locator("#message-next")).to_contain_text("You judged 2 pairs.")
