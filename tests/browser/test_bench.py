"""The bench in Chromium: keys, buttons, undo, and what the annotator sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

LONG = "A long answer that goes on and on. " * 300
HOSTILE = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    "<style>@import 'https://evil.test/x.css'</style>![x](https://evil.test/x.png)"
    "[a](javascript:alert(1)) &amp; \u202eoverride \u200bzero"
)


def text_record(question: str, one: str, other: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": one}]
    return {"messages": messages, "rejected_response": other}


def at_pair(page: Page, words: str) -> None:
    """Wait until this pair is on the screen and can be judged."""
    expect(page.locator("#pair-number")).to_have_text(words)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()


def saved(page: Page) -> None:
    expect(page.locator("#connection-words")).to_have_text("saved")
    expect(page.locator("body[data-bench=pair], body[data-bench=message]")).to_be_visible()


def test_a_batch_is_judged_by_keyboard_and_says_so_at_the_end(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=5, both_bad=True)
    page = new_page().page
    page.goto(assigned.link)
    wanted = {}
    for number, key in enumerate("abfsx", start=1):
        at_pair(page, f"Pair {number} / 5")
        expect(page.locator("#pictures img")).to_have_js_property("complete", True)
        wanted[page.inner_text("#turns .words")] = key
        page.keyboard.press(key)
    expect(page.locator("#message-what")).to_have_text("All pairs of this batch are judged.")
    expect(page.locator("#message-next")).to_contain_text("You judged 5 pairs.")
    saved(page)
    assert "pw_" not in page.url
    found = [(vote.verdict.value, vote.left) for vote in bench_server.votes(assigned.batch)]
    left, right = found[0][1], {"a": "b", "b": "a"}[found[1][1]]
    assert [verdict for verdict, _ in found] == [left, right, "tie", "skip", "both_bad"]


def test_both_answers_of_a_pair_appear_in_the_same_frame(assign: Any, new_page: Any) -> None:
    page = new_page().page
    page.goto(assign([text_record(f"{n}?", f"One {n}", f"Other {n}") for n in range(3)]).link)
    at_pair(page, "Pair 1 / 3")
    page.evaluate(
        """() => {
          window.frames_seen = [];
          const look = () => {
            const texts = [...document.querySelectorAll("#left-text, #right-text")];
            frames_seen.push(texts.map((each) => each.textContent.slice(-1)).join(""));
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    for number in (2, 3):
        page.keyboard.press("s")
        at_pair(page, f"Pair {number} / 3")
    page.wait_for_function("() => new Set(frames_seen).size === 3")
    assert set(page.evaluate("() => frames_seen")) == {"00", "11", "22"}


def test_buttons_vote_like_keys_and_undo_brings_the_pair_back(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=3)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 3")
    first = [page.inner_text(f"#{part}") for part in ("turns", "left-text", "right-text")]
    expect(page.get_by_role("button", name="Both bad")).to_be_hidden()
    page.get_by_role("button", name="Left is better").click()
    at_pair(page, "Pair 2 / 3")
    page.get_by_role("button", name="Right is better").click()
    at_pair(page, "Pair 3 / 3")
    page.get_by_role("button", name="Undo").click()
    page.keyboard.press("u")
    at_pair(page, "Pair 1 / 3")
    assert [page.inner_text(f"#{part}") for part in ("turns", "left-text", "right-text")] == first
    page.keyboard.press("u")
    saved(page)
    assert bench_server.votes(assigned.batch) == []


def test_an_undo_after_a_reload_brings_the_pair_from_the_server(assign: Any, new_page: Any) -> None:
    page = new_page().page
    page.goto(assign(count=3).link)
    at_pair(page, "Pair 1 / 3")
    question = page.inner_text("#turns")
    page.keyboard.press("a")
    at_pair(page, "Pair 2 / 3")
    saved(page)
    page.reload()
    at_pair(page, "Pair 2 / 3")
    page.keyboard.press("u")
    at_pair(page, "Pair 1 / 3")
    assert page.inner_text("#turns") == question


def test_a_held_key_and_keys_with_modifiers_are_no_votes(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=4)
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 4")
    for chord in ("Control+a", "Alt+b", "Meta+s"):
        page.keyboard.press(chord)
    at_pair(page, "Pair 1 / 4")
    for _ in range(12):
        page.keyboard.down("a")
    at_pair(page, "Pair 2 / 4")
    page.keyboard.up("a")
    page.evaluate("() => document.body.appendChild(document.createElement('textarea')).focus()")
    page.keyboard.type("bass")
    saved(page)
    at_pair(page, "Pair 2 / 4")
    assert len(bench_server.votes(assigned.batch)) == 1


def test_an_answer_with_script_and_markup_is_shown_as_text(assign: Any, new_page: Any) -> None:
    page = new_page().page
    page.goto(assign([text_record(f"Is this inert? {HOSTILE}", HOSTILE, "plain")]).link)
    at_pair(page, "Pair 1 / 1")
    shown = {page.text_content("#left-text"), page.text_content("#right-text")}
    assert shown == {HOSTILE, "plain"}
    assert HOSTILE in str(page.text_content("#turns"))
    assert page.title() == "Pairwright bench"
    assert page.locator("#bench :is(script, style, a, img)").count() == 0


def test_answers_have_equal_width_and_long_ones_scroll_inside(assign: Any, new_page: Any) -> None:
    page = new_page().page
    marked = "Z" + "\u0337\u0301\u0489" * 300
    page.goto(assign([text_record(LONG, LONG, f"short {marked} {'x' * 200_000}")]).link)
    at_pair(page, "Pair 1 / 1")
    left, right = (page.locator(f"#answer-{side}").bounding_box() for side in ("left", "right"))
    assert left is not None
    assert right is not None
    assert (left["width"], left["height"], left["y"]) == (
        pytest.approx(right["width"], abs=0.1),
        pytest.approx(right["height"], abs=0.1),
        right["y"],
    )
    assert page.evaluate("() => document.scrollingElement.scrollHeight <= innerHeight")
    assert page.evaluate("() => document.scrollingElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (768, 1024), (640, 400)])
def test_choices_stay_in_place_and_in_view_for_every_pair(
    assign: Any, new_page: Any, size: tuple[int, int]
) -> None:
    records = [
        text_record("Short?", "One.", "Two."),
        text_record(LONG, LONG, "Two."),
        {
            **text_record("<image><image><image>Which?", "One.", "Two."),
            "images": ["dot.png", "bar.png", "dot.png"],
        },
    ]
    page = new_page(viewport={"width": size[0], "height": size[1]}).page
    page.goto(assign(records, both_bad=True).link)
    boxes = []
    for number in (1, 2, 3):
        at_pair(page, f"Pair {number} / 3")
        buttons = page.locator("#choices button")
        boxes.append([buttons.nth(i).bounding_box() for i in range(buttons.count())])
        assert page.evaluate("() => document.scrollingElement.scrollWidth <= innerWidth")
        page.keyboard.press("s")
    assert boxes[0] == boxes[1] == boxes[2]
    assert all(box["y"] + box["height"] <= size[1] for box in boxes[0])


def test_several_pictures_come_in_order_with_their_places_in_the_words(
    assign: Any, new_page: Any
) -> None:
    record = {
        **text_record("<image>Compare with <image>, please.", "One.", "Two."),
        "images": ["dot.png", "bar.png"],
    }
    page = new_page().page
    page.goto(assign([record]).link)
    at_pair(page, "Pair 1 / 1")
    expect(page.locator("#pictures figcaption")).to_have_text(["Picture 1 of 2", "Picture 2 of 2"])
    assert page.locator("#turns .words").inner_text() == "Picture 1Compare with Picture 2, please."
    images = page.locator("#pictures img")
    expect(images.nth(1)).to_have_js_property("naturalWidth", 400)
    # small pictures are enlarged without a blur
    expect(images.nth(0)).to_have_css("image-rendering", "pixelated")
    expect(images.nth(1)).to_have_css("image-rendering", "auto")
    box = images.nth(0).bounding_box()
    assert box is not None
    assert box["width"] > 300


def test_a_video_is_shown_with_controls_and_its_length(
    assign: Any, new_page: Any, tmp_path: Path
) -> None:
    with av.open(str(tmp_path / "film.webm"), "w") as film:
        stream = film.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(20):
            film.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        film.mux(stream.encode())
    page = new_page().page
    record = {**text_record("<video>What moves?", "One.", "Two."), "videos": ["film.webm"]}
    page.goto(assign([record]).link)
    at_pair(page, "Pair 1 / 1")
    video = page.locator("#pictures video")
    expect(video).to_have_js_property("duration", 2)
    expect(video).to_have_attribute("controls", "")


def test_pictures_enlarge_and_guidelines_open_without_a_vote(
    bench_server: Any, assign: Any, new_page: Any
) -> None:
    assigned = assign(count=2, guidelines="Prefer <b>true</b> answers.")
    page = new_page().page
    page.goto(assigned.link)
    at_pair(page, "Pair 1 / 2")
    page.keyboard.press("z")
    expect(page.get_by_role("dialog", name="Picture")).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("z")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Guidelines").click()
    expect(page.get_by_role("dialog")).to_contain_text("Prefer <b>true</b> answers.")
    page.keyboard.press("b")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    at_pair(page, "Pair 1 / 2")
    assert bench_server.votes(assigned.batch) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(assign: Any, new_page: Any, scheme: str) -> None:
    page = new_page(color_scheme=scheme).page
    page.goto(assign(count=1, guidelines="Be fair.", both_bad=True).link)
    at_pair(page, "Pair 1 / 1")
    found = serious_findings(page)
    page.keyboard.press("h")
    found += serious_findings(page)
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator("#message-what")).to_be_visible()
    assert found + serious_findings(page) == []


def serious_findings(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
