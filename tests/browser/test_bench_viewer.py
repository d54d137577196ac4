"""The enlarged picture: zoom and pan by wheel, drag, keys and touch; several; video by frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

LARGE = (2000, 1200)
SMALLER = 1600
RATE = 10
FRAMES = 12
# notes what the stage looks like just before and just after another image is put into it
WATCH = """() => {
    const stage = document.querySelector("#viewer .stage");
    const looks = () => {
        const { x, y, width, height } = stage.getBoundingClientRect();
        return { x, y, width, height, images: stage.querySelectorAll("img").length };
    };
    window.swaps = [];
    const swap = Element.prototype.replaceWith;
    Element.prototype.replaceWith = function (...others) {
        const before = looks();
        if (!others[0].complete) throw new Error("an image that is not ready");
        swap.apply(this, others);
        window.swaps.push([before, looks()]);
    };
}"""


def record(question: str, **media: list[str]) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": "One."}]
    return {"messages": messages, "rejected_response": "Two.", **media}


def opened(page: Page, link: str) -> Locator:
    """The stage of the viewer, once the first pair is on the screen and Z was pressed."""
    page.goto(link)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()
    expect(page.locator("#pictures img").first).to_have_js_property("complete", True)
    page.keyboard.press("z")
    stage = page.locator("#viewer .stage")
    expect(stage).to_be_visible()
    return stage


def box(place: Locator) -> tuple[float, float, float, float]:
    found = place.bounding_box()
    assert found is not None
    return found["x"], found["y"], found["width"], found["height"]


def photograph(folder: Path) -> None:
    """Soft shades, as a PNG of several megabytes."""
    shades = np.random.default_rng(5).integers(0, 256, (40, 66, 3), dtype=np.uint8)
    Image.fromarray(shades).resize(LARGE, Image.Resampling.BICUBIC).save(folder / "photo.png")


def of_photograph(assign: Any, folder: Path) -> str:
    photograph(folder)
    answer = '{"bbox_2d": [1000, 600, 1500, 900], "label": "shade"}'
    pair = record("<image>Where is it dark?", images=["photo.png"])
    return str(assign([{**pair, "rejected_response": answer}]).link)


def two_pictures(assign: Any) -> str:
    pair = record("<image>Compare with <image>, please.", images=["bar.png", "dot.png"])
    return str(assign([pair]).link)


def test_keys_enlarge_move_and_reset_the_picture(assign: Any, new_page: Any) -> None:
    page = new_page().page
    stage = opened(page, assign(count=1).link)
    whole = box(stage)
    page.keyboard.press("+")
    page.keyboard.press("+")
    closer = box(stage)
    assert closer[2] == pytest.approx(whole[2] * 2.25, rel=0.01)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    moved = box(stage)
    assert (moved[0], moved[1]) == (
        pytest.approx(closer[0] - 80, abs=1),
        pytest.approx(closer[1] - 80, abs=1),
    )
    page.keyboard.press("-")
    assert box(stage)[2] < closer[2]
    page.keyboard.press("0")
    assert box(stage) == pytest.approx(whole, abs=0.5)
    for _ in range(40):
        page.keyboard.press("-")
    assert box(stage) == pytest.approx(whole, abs=0.5)


def test_the_wheel_enlarges_around_the_pointer_and_a_drag_moves(assign: Any, new_page: Any) -> None:
    page = new_page().page
    stage = opened(page, assign(count=1).link)
    x, y, width, height = box(stage)
    at = (x + width * 0.6, y + height * 0.25)
    page.mouse.move(*at)
    before = page.inner_text("#scale")
    page.mouse.wheel(0, -400)
    expect(page.locator("#scale")).not_to_have_text(before)
    closer = box(stage)
    assert closer[2] > width * 1.5
    # what was under the pointer is under it still
    assert (at[0] - closer[0]) / closer[2] == pytest.approx(0.6, abs=0.01)
    assert (at[1] - closer[1]) / closer[3] == pytest.approx(0.25, abs=0.01)
    page.mouse.down()
    page.mouse.move(at[0] - 60, at[1] + 40, steps=4)
    page.mouse.up()
    moved = box(stage)
    assert (moved[0] - closer[0], moved[1] - closer[1]) == pytest.approx((-60, 40), abs=2)
    assert moved[2] == closer[2]
    # a click without a drag goes back to the whole
    page.mouse.click(*at)
    assert box(stage)[2] == pytest.approx(width, abs=0.5)


def test_two_fingers_enlarge_and_one_moves(assign: Any, new_page: Any) -> None:
    page = new_page(has_touch=True, viewport={"width": 1024, "height": 768}).page
    stage = opened(page, assign(count=1).link)
    before = box(stage)
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (462, 400), (562, 400))
    fingers("touchMove", (412, 400), (612, 400))
    fingers("touchEnd")
    expect(page.locator("#viewer .pixels")).to_have_count(1)
    closer = box(stage)
    assert closer[2] == pytest.approx(before[2] * 2, rel=0.02)
    fingers("touchStart", (512, 400))
    fingers("touchMove", (472, 380))
    fingers("touchEnd")
    moved = box(stage)
    assert (moved[0] - closer[0], moved[1] - closer[1]) == pytest.approx((-40, -20), abs=3)


def test_several_pictures_are_turned_by_keys_and_buttons(assign: Any, new_page: Any) -> None:
    page = new_page().page
    opened(page, two_pictures(assign))
    name = page.locator("#viewer h2")
    expect(name).to_have_text("Picture 1 of 2")
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("Picture 2 of 2")
    page.keyboard.press("+")
    # a moved picture is not left by an arrow
    page.keyboard.press("ArrowLeft")
    expect(name).to_have_text("Picture 2 of 2")
    page.keyboard.press("PageDown")
    expect(name).to_have_text("Picture 1 of 2")
    page.get_by_role("button", name="Previous").click()
    expect(name).to_have_text("Picture 2 of 2")
    page.get_by_role("button", name="Closer").click()
    page.get_by_role("button", name="Whole").click()
    expect(page.get_by_role("button", name="Frame on")).to_be_hidden()


def test_a_large_picture_gets_all_its_pixels_when_it_is_enlarged_past_its_browser_size(
    assign: Any, new_page: Any, tmp_path: Path
) -> None:
    page = new_page().page
    asked: list[str] = []
    page.on("request", lambda r: "/media/" in r.url and asked.append(r.url.rpartition("/")[2]))
    stage = opened(page, of_photograph(assign, tmp_path))
    image = stage.locator("img")
    expect(image).to_have_js_property("naturalWidth", SMALLER)
    page.keyboard.press("g")
    expect(stage.locator("svg.boxes")).to_have_attribute("viewBox", "0 0 2000 1200")
    assert {*asked} == {"0"}
    page.evaluate(WATCH)
    page.keyboard.press("+")
    expect(image).to_have_js_property("naturalWidth", LARGE[0])
    # what is known of the screen before the swap, at it and after it
    before, after = page.evaluate("() => window.swaps.flat()")
    assert before == after
    assert after["images"] == 1
    # boxes are where they were, in pixels of the picture itself
    rect = stage.locator("svg.boxes rect.line")
    found = {name: rect.get_attribute(name) for name in ("x", "y", "width", "height")}
    assert found == {"x": "1000", "y": "600", "width": "500", "height": "300"}
    picture, drawn = box(stage), box(rect)
    assert (drawn[0] - picture[0]) / picture[2] == pytest.approx(0.5, abs=0.01)
    assert picture[2] / picture[3] == pytest.approx(2000 / 1200, rel=0.001)
    page.keyboard.press("+")
    page.keyboard.press("+")
    expect(stage.locator("img.pixels")).to_have_count(1)
    assert asked.count("full") == 1


def test_a_pair_can_be_judged_when_one_size_of_its_picture_is_broken(
    assign: Any, new_page: Any, tmp_path: Path
) -> None:
    watched = new_page()
    watched.allowed.append("ERR_FAILED")
    page = watched.page
    page.route("**/media/*/0/full", lambda route: route.abort())
    stage = opened(page, of_photograph(assign, tmp_path))
    page.keyboard.press("+")
    expect(page.locator("#scale")).to_contain_text("full resolution could not be loaded")
    expect(stage.locator("img")).to_have_js_property("naturalWidth", SMALLER)
    page.unroute_all()
    page.route("**/media/*/0", lambda route: route.abort())
    page.reload()
    expect(page.locator("#pictures img")).to_have_js_property("naturalWidth", LARGE[0])
    assert page.locator(".lost").count() == 0
    page.keyboard.press("f")
    expect(page.locator("body[data-bench=message]")).to_be_visible()


def test_a_video_goes_frame_by_frame_and_none_is_left_out(
    assign: Any, new_page: Any, tmp_path: Path
) -> None:
    draw_film(tmp_path / "film.webm")
    page = new_page().page
    link = assign([record("<video>What moves?", videos=["film.webm"])]).link
    page.goto(link)
    expect(page.locator("#pictures video")).to_have_js_property("duration", FRAMES / RATE)
    page.keyboard.press("z")
    expect(page.get_by_role("dialog", name="Video")).to_be_visible()
    scale = page.locator("#scale")
    expect(scale).to_contain_text("0.00 of 1.20 s")
    assert brightness(page) == pytest.approx(0, abs=12)
    for frame in (1, 2, 3):
        page.keyboard.press(".")
        expect(scale).to_contain_text(f"{frame / RATE:.2f} of")
        assert brightness(page) == pytest.approx(20 * frame, abs=12)
    page.keyboard.press(",")
    expect(scale).to_contain_text("0.20 of")
    assert brightness(page) == pytest.approx(40, abs=12)
    page.get_by_role("button", name="Frame on").click()
    expect(scale).to_contain_text("0.30 of")
    page.keyboard.press("Escape")
    # the video on the page stands where the enlarged one was left
    expect(page.locator("#pictures video")).to_have_js_property("currentTime", 0.3)


def draw_film(file: Path) -> None:
    """Every frame is 20 brighter than the one before."""
    with av.open(str(file), "w") as film:
        stream = film.add_stream("libvpx", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            grey = np.full((48, 64, 3), 20 * number, dtype=np.uint8)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        film.mux(stream.encode())


def brightness(page: Page) -> float:
    """Of the shown frame of the enlarged video, 0 to 255."""
    script = """() => {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 1;
        const brush = canvas.getContext("2d");
        brush.drawImage(document.querySelector("#viewer video"), 0, 0, 1, 1);
        return brush.getImageData(0, 0, 1, 1).data[0];
    }"""
    return float(page.evaluate(script))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_viewer(assign: Any, new_page: Any, scheme: str) -> None:
    page = new_page(color_scheme=scheme).page
    opened(page, two_pictures(assign))
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
