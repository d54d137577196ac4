"""Notes, reports and ratings in Chromium: what is written reaches the ledger, nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from storage import batches, reports, votes
from storage.rows import Verdict, VoteEvent

pytestmark = pytest.mark.browser

CRITERIA = ("accuracy", "spatial_grounding", "reasoning_depth", "hallucination_severity")


def at_pair(page: Page, words: str) -> None:
    expect(page.locator("#pair-number")).to_have_text(words)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()


def saved(page: Page) -> None:
    expect(page.locator("#connection-words")).to_have_text("saved")


def write_note(page: Page, words: str) -> None:
    page.keyboard.press("n")
    expect(page.get_by_label("Note, sent with your choice")).to_be_focused()
    page.keyboard.type(words)
    page.keyboard.press("Escape")


def written(bench_server: Any, batch: str) -> list[VoteEvent]:
    """The effective votes of a batch with all that came along, by the order in which they came."""
    kept = {vote.assignment_id for vote in bench_server.votes(batch)}
    with bench_server.workspace.ledger.read() as db:
        pairs = {vote.pair_id: None for vote in bench_server.votes(batch)}
        found = [event for pair in pairs for event in votes.events(db, pair)]
    last = {event.assignment_id: event for event in found if event.assignment_id in kept}
    return sorted(last.values(), key=lambda event: event.received_at)


def reported(bench_server: Any, batch: str) -> list[tuple[str, str]]:
    with bench_server.workspace.ledger.read() as db:
        found = reports.listed(db, batches.get(db, batch).id)
    return [(each.kind, each.note) for each in found]


def test_a_note_is_kept_over_a_reload_and_goes_with_its_own_vote(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=3)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 3")
    expect(page.locator("#note")).to_be_hidden()
    write_note(page, "bass: A is off by 1")
    at_pair(page, "Pair 1 / 3")
    page.reload()
    at_pair(page, "Pair 1 / 3")
    expect(page.locator("#note")).to_have_value("bass: A is off by 1")
    expect(page.locator("#write-note")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("b")
    at_pair(page, "Pair 2 / 3")
    expect(page.locator("#note")).to_be_hidden()
    page.keyboard.press("s")
    at_pair(page, "Pair 3 / 3")
    saved(page)
    assert [vote.note for vote in written(bench_server, assigned.batch)] == [
        "bass: A is off by 1",
        "",
    ]
    assert page.evaluate("() => Object.keys(localStorage)") == []


def test_an_undo_brings_the_note_back_and_an_empty_one_goes_away(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=2)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 2")
    write_note(page, "unsure")
    page.keyboard.press("a")
    at_pair(page, "Pair 2 / 2")
    page.keyboard.press("n")
    page.keyboard.press("Escape")
    expect(page.locator("#note")).to_be_hidden()
    saved(page)
    # also when the page was loaded anew in between
    page.reload()
    at_pair(page, "Pair 2 / 2")
    expect(page.locator("#note")).to_be_hidden()
    page.keyboard.press("u")
    at_pair(page, "Pair 1 / 2")
    expect(page.locator("#note")).to_have_value("unsure")
    page.keyboard.press("f")
    at_pair(page, "Pair 2 / 2")
    saved(page)
    found = written(bench_server, assigned.batch)
    assert [(vote.verdict, vote.note) for vote in found] == [(Verdict.TIE, "unsure")]


def test_a_report_made_offline_reaches_the_lead_once_and_skips_the_pair(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=3)
    watched = new_page()
    watched.allowed.append("ERR_INTERNET_DISCONNECTED")
    page = watched.page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 3")
    page.context.set_offline(True)
    page.keyboard.press("r")
    page.get_by_role("button", name="Report and go on").click()
    expect(page.locator("#report [role=status]")).to_have_text("Choose what is wrong first.")
    page.get_by_label("An answer says which model it is").check()
    page.get_by_label("Note to the lead, optional").fill("It says: I am a model, bass.")
    page.get_by_role("button", name="Report and go on").click()
    at_pair(page, "Pair 2 / 3")
    expect(page.locator("#connection-words")).to_have_text("offline: 1 waiting")
    page.context.set_offline(False)
    saved(page)
    at_pair(page, "Pair 2 / 3")
    wanted = [("names_its_model", "It says: I am a model, bass.")]
    assert reported(bench_server, assigned.batch) == wanted
    assert [vote.verdict.value for vote in bench_server.votes(assigned.batch)] == ["skip"]


def test_a_broken_picture_is_reported_with_two_keys(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=2)
    watched = new_page()
    watched.allowed.append("ERR_FAILED")
    page = watched.page
    page.route("**/media/**", lambda route: route.abort())
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 2")
    expect(page.locator(".lost")).to_contain_text("report the pair")
    page.keyboard.press("r")
    expect(page.get_by_label("The picture or video is broken or missing")).to_be_checked()
    page.keyboard.press("Enter")
    at_pair(page, "Pair 2 / 2")
    saved(page)
    assert reported(bench_server, assigned.batch) == [("broken_media", "")]


def test_both_answers_are_rated_by_digits_before_one_can_win(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=2, rubric="grounding")
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 2")
    expect(page.locator("#choose-left")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("a")
    expect(page.locator("#notice-words")).to_contain_text("Missing: 4 for A, 4 for B.")
    at_pair(page, "Pair 1 / 2")
    for digit in "1234543":
        page.keyboard.press(digit)
    page.keyboard.press("a")
    expect(page.locator("#notice-words")).to_contain_text("Missing: 0 for A, 1 for B.")
    page.keyboard.press("2")
    expect(page.locator("#choose-left")).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("a")
    at_pair(page, "Pair 2 / 2")
    saved(page)
    (vote,) = written(bench_server, assigned.batch)
    (effective,) = bench_server.votes(assigned.batch)
    sides = {"a": "left", "b": "right"} if effective.left == "a" else {"a": "right", "b": "left"}
    given = {
        "left": dict(zip(CRITERIA, (1, 2, 3, 4), strict=True)),
        "right": dict(zip(CRITERIA, (5, 4, 3, 2), strict=True)),
    }
    assert vote.rubric == {answer: given[side] for answer, side in sides.items()}
    assert page.locator(".criterion input:checked").count() == 0


def test_ratings_are_moved_through_by_arrows_and_kept_over_a_reload(
    assign: Any, new_page: Any
) -> None:
    page = new_page().page
    page.goto(assign(count=1, rubric="grounding").link)
    at_pair(page, "Pair 1 / 1")
    page.keyboard.press("4")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("5")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("1")
    group = page.get_by_role("radiogroup", name="Answer B, Accuracy")
    group.get_by_role("radio", name="3").click()
    page.reload()
    at_pair(page, "Pair 1 / 1")
    groups = page.locator(".criterion:has(input:checked)")
    rated = groups.evaluate_all(
        "(all) => all.map((each) => [each.dataset.side, each.dataset.key,"
        " each.querySelector('input:checked').value])"
    )
    assert rated == [
        ["left", "accuracy", "4"],
        ["left", "spatial_grounding", "1"],
        ["left", "reasoning_depth", "5"],
        ["right", "accuracy", "3"],
    ]


def test_failures_and_confidence_go_with_the_vote_and_a_tie_needs_no_ratings(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=3, rubric="grounding", confidence=True)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 3")
    for digit in "55551111":
        page.keyboard.press(digit)
    for chip in ("Counting", "Spatial", "Counting", "Guess", "Sure"):
        page.get_by_role("button", name=chip, exact=True).click()
    page.keyboard.press("a")
    at_pair(page, "Pair 2 / 3")
    assert page.locator(".chip[aria-pressed=true]").count() == 0
    page.get_by_role("button", name="Format", exact=True).click()
    page.keyboard.press("f")
    at_pair(page, "Pair 3 / 3")
    saved(page)
    found = written(bench_server, assigned.batch)
    assert [(list(vote.failures or ()), vote.confidence) for vote in found] == [
        (["spatial"], 3),
        ([], None),
    ]


def test_a_batch_without_rubric_shows_no_ratings_and_digits_do_nothing(
    assign: Any, new_page: Any
) -> None:
    page = new_page().page
    page.goto(assign(count=2).link)
    at_pair(page, "Pair 1 / 2")
    page.keyboard.press("3")
    expect(page.locator(".criterion, .chip")).to_have_count(0)
    at_pair(page, "Pair 1 / 2")


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (768, 1024), (640, 400)])
def test_answers_keep_equal_sizes_and_nothing_is_cut_off_with_ratings(
    assign: Any, new_page: Any, size: tuple[int, int]
) -> None:
    page = new_page(viewport={"width": size[0], "height": size[1]}).page
    page.goto(assign(count=1, rubric="grounding", confidence=True).link)
    at_pair(page, "Pair 1 / 1")
    boxes = [page.locator(f"#answer-{side}").bounding_box() for side in ("left", "right")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["width"] == pytest.approx(boxes[1]["width"], abs=0.1)
    assert boxes[0]["height"] == pytest.approx(boxes[1]["height"], abs=0.1)
    assert page.evaluate("() => document.scrollingElement.scrollWidth <= innerWidth")
    page.locator(".criterion").last.scroll_into_view_if_needed()
    expect(page.locator(".criterion").last).to_be_in_viewport(ratio=1)
    assert (page.locator("#left-text").bounding_box() or {"height": 0})["height"] > 60
    for _ in CRITERIA:
        page.keyboard.press("4")
        # what is rated next is never behind the choices
        focused, choices = (
            page.locator(place).bounding_box() for place in (".criterion:focus-within", "#choices")
        )
        assert focused is not None
        assert choices is not None
        assert 0 <= focused["y"] <= choices["y"] - focused["height"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_with_ratings_note_and_report(
    assign: Any, new_page: Any, scheme: str
) -> None:
    page = new_page(color_scheme=scheme).page
    page.goto(assign(count=1, rubric="grounding", confidence=True).link)
    at_pair(page, "Pair 1 / 1")
    for key in ("4", "n"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Sure", exact=True).click()
    found = Axe().run(page).response["violations"]
    page.keyboard.press("r")
    found += Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
