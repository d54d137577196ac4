"""Boxes and points that answers name, read tolerantly and drawn over the picture, in Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

JSON_BOXES = (
    '```json\n[{"bbox_2d": [40, 30, 200, 150], "label": "dish"},\n'
    ' {"point_2d": [350, 60], "label": "far"}]\n```'
)
TAGS = (
    "<|object_ref_start|>the dish<|object_ref_end|>"
    "<|box_start|>(100,200),(500,800)<|box_end|> is round."
)


def record(one: str, other: str) -> dict[str, Any]:
    messages = [
        {"role": "user", "content": "<image>Where?"},
        {"role": "assistant", "content": one},
    ]
    return {"messages": messages, "rejected_response": other, "images": ["bar.png"]}


def opened(page: Page, link: str) -> None:
    page.goto(link)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()
    expect(page.locator("#pictures img").first).to_have_js_property("naturalWidth", 400)


def drawn(page: Page, side: str, kind: str) -> list[list[float]]:
    """Places of the drawn shapes of a side, in pixels of the picture."""
    names = {"rect": ["x", "y", "width", "height"], "circle": ["cx", "cy"]}[kind]
    shapes = page.locator(f"#pictures svg.boxes .{side} {kind}.line")
    script = "(all, names) => all.map((each) => names.map((n) => Number(each.getAttribute(n))))"
    found: list[list[float]] = shapes.evaluate_all(script, names)
    return found


def side_of(page: Page, words: str) -> str:
    return "left" if words in str(page.text_content("#left-text")) else "right"


def test_boxes_of_both_answers_are_drawn_in_two_patterns_and_toggled(
    assign: Any, new_page: Any
) -> None:
    page = new_page().page
    opened(page, assign([record(JSON_BOXES, TAGS)]).link)
    assert page.locator("svg.boxes").count() == 0
    page.keyboard.press("g")
    one, other = side_of(page, "bbox_2d"), side_of(page, "box_start")
    expect(page.locator("#pictures svg.boxes")).to_have_count(1)
    assert drawn(page, one, "rect") == [[40, 30, 160, 120]]
    assert drawn(page, one, "circle") == [[350, 60]]
    # 0 to 1000 over 400 x 300
    assert drawn(page, other, "rect") == [[40, 60, 160, 180]]
    dashes = page.locator("svg.boxes .right .line").first
    expect(dashes).not_to_have_css("stroke-dasharray", "none")
    expect(page.locator("svg.boxes .left .line").first).to_have_css("stroke-dasharray", "none")
    letters = {"left": "A", "right": "B"}
    expect(page.locator(f"svg.boxes text.{one}")).to_have_text(
        [f"{letters[one]}1 dish", f"{letters[one]}2 far"]
    )
    page.get_by_role("button", name="Boxes").click()
    expect(page.locator("svg.boxes")).to_have_count(0)
    expect(page.locator("#box-legend")).to_be_hidden()


def test_the_drawing_lies_on_the_picture_and_follows_it_into_the_viewer(
    assign: Any, new_page: Any
) -> None:
    page = new_page().page
    opened(page, assign([record('{"bbox_2d": [0, 0, 400, 300]}', "none")]).link)
    page.keyboard.press("g")
    picture = page.locator("#pictures img").bounding_box()
    box = page.locator("#pictures svg.boxes rect.line").bounding_box()
    assert picture is not None
    assert box is not None
    # the picture is contained in its frame: as wide, and in the middle
    assert box["width"] == pytest.approx(picture["width"], abs=6)
    assert box["y"] + box["height"] / 2 == pytest.approx(
        picture["y"] + picture["height"] / 2, abs=4
    )
    page.keyboard.press("z")
    stage = page.locator("#viewer .stage")
    expect(page.locator("#viewer rect.line")).to_be_visible()
    page.keyboard.press("+")
    expect(page.locator("#viewer rect.line")).to_be_visible()
    inside, around = page.locator("#viewer rect.line").bounding_box(), stage.bounding_box()
    assert inside is not None
    assert around is not None
    assert inside["width"] == pytest.approx(around["width"], abs=6)
    page.keyboard.press("g")
    expect(page.locator("#viewer svg.boxes")).to_have_count(0)


def test_numbers_that_fit_both_readings_are_read_as_the_annotator_says(
    assign: Any, new_page: Any
) -> None:
    page = new_page().page
    opened(page, assign([record('{"bbox_2d": [100, 100, 300, 200]}', "none")]).link)
    page.keyboard.press("g")
    side = side_of(page, "bbox_2d")
    assert drawn(page, side, "rect") == [[100, 100, 200, 100]]
    page.get_by_role("button", name="Coordinates read as pixels, change").click()
    assert drawn(page, side, "rect") == [[40, 30, 80, 30]]
    expect(page.locator("#box-reading")).to_have_text("0 to 1000")


def test_numbers_beyond_the_picture_are_of_a_thousand(assign: Any, new_page: Any) -> None:
    page = new_page().page
    opened(page, assign([record('{"bbox_2d": [500, 500, 1000, 1000]}', "none")]).link)
    page.keyboard.press("g")
    assert drawn(page, side_of(page, "bbox_2d"), "rect") == [[200, 150, 200, 150]]
    expect(page.locator("#box-reading")).to_be_disabled()


def test_without_boxes_the_button_is_off_and_nothing_is_drawn(assign: Any, new_page: Any) -> None:
    page = new_page().page
    opened(page, assign([record("At the left.", "[1, 2, 3, 4]")]).link)
    expect(page.locator("#show-boxes")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("g")
    assert page.locator("svg.boxes").count() == 0


READ: list[tuple[str, list[Any]]] = [
    ("", []),
    ("no boxes [1, 2, 3, 4] and {}", []),
    ('{"bbox_2d": [1, 2, 3]}', []),
    ('{"bbox_2d": [1, 2, "x", 4]}', []),
    ('{"bbox_2d": [3, 4, 1, 2]}', [[1, 2, 3, 4, "", "open"]]),
    # cut off in the middle of the list: what is whole is read
    (
        '[{"bbox_2d":[1,2,3,4],"label":"a"},{"bbox_2d":[5,6,',
        [[1, 2, 3, 4, "a", "open"]],
    ),
    # each label belongs to the numbers in its own braces
    (
        '[{"label": "x\\u00e9", "bbox_2d": [1, 2, 3, 4]}, {"point_2d": [5.5, 6]}]',
        [[1, 2, 3, 4, "x\u00e9", "open"], [5.5, 6, 5.5, 6, "", "open"]],
    ),
    ('{"bbox_2d": [0.1, 0.2, 0.5, 1]}', [[0.1, 0.2, 0.5, 1, "", "unit"]]),
    ("<|box_start|>(1,2),(3,4)<|box_end|>", [[1, 2, 3, 4, "", "thousand"]]),
    ("<|point_start|>(7, 8)<|point_end|>", [[7, 8, 7, 8, "", "thousand"]]),
    ("<|box_start|>(1,2),(3,4)", []),
]


def test_boxes_are_read_from_what_models_write(assign: Any, new_page: Any) -> None:
    page = new_page().page
    opened(page, assign([record("One.", "Two.")]).link)
    script = """async (texts) => {
        const { boxesIn } = await import("/static/boxes.js");
        const row = (each) => [each.x1, each.y1, each.x2, each.y2, each.label, each.scale];
        return texts.map((text) => boxesIn(text).map(row));
    }"""
    found = page.evaluate(script, [text for text, _ in READ])
    assert dict(zip([text for text, _ in READ], found, strict=True)) == dict(READ)


PLACES: list[tuple[str, list[int | None]]] = [
    ('{"bbox_2d": [1, 2, 3, 4]}', [None]),
    ('{"image": 2, "bbox_2d": [1, 2, 3, 4]}', [1]),
    ('{"bbox_2d": [1, 2, 3, 4], "image_id": "img_3.png"}', [2]),
    # an answer that names a picture 0 counts from there
    ('[{"image": 0, "point_2d": [1, 2]}, {"image": 1, "point_2d": [3, 4]}]', [0, 1]),
    ('In picture 3: {"point_2d": [1, 2]}, {"point_2d": [3, 4]}', [2, 2]),
    (
        "The first image has <|box_start|>(1,2),(3,4)<|box_end|>, the LAST image"
        " <|box_start|>(1,2),(3,4)<|box_end|>, image 2 <|point_start|>(7,8)<|point_end|>",
        [0, 2, 1],
    ),
    # a picture that is not there is no picture
    ('Picture 1, then picture 7: {"image": 9, "bbox_2d": [1, 2, 3, 4]}', [0]),
    ('图2中 {"bbox_2d": [1, 2, 3, 4]}', [1]),
]


def test_the_picture_of_a_box_is_read_from_what_stands_around_it(
    assign: Any, new_page: Any
) -> None:
    page = new_page().page
    opened(page, assign([record("One.", "Two.")]).link)
    script = """async (texts) => {
        const { boxesIn } = await import("/static/boxes.js");
        return texts.map((text) => boxesIn(text, 3).map(({ picture }) => picture));
    }"""
    found = page.evaluate(script, [text for text, _ in PLACES])
    assert dict(zip([text for text, _ in PLACES], found, strict=True)) == dict(PLACES)


def test_boxes_lie_on_the_picture_that_the_answer_names(assign: Any, new_page: Any) -> None:
    named = 'Picture 2: {"bbox_2d": [40, 30, 200, 150], "label": "dish"}'
    two = {**record(named, '{"bbox_2d": [4, 5, 6, 7]}'), "images": ["dot.png", "bar.png"]}
    two["messages"][0]["content"] = "<image><image>Where?"
    page = new_page().page
    page.goto(assign([two]).link)
    pictures = page.locator("#pictures .zoom")
    expect(pictures.nth(1).locator("img")).to_have_js_property("naturalWidth", 400)
    page.keyboard.press("g")
    expect(pictures.nth(1).locator("svg rect.line")).to_have_attribute("x", "40")
    expect(pictures.nth(0).locator("svg rect.line")).to_have_attribute("x", "4")
    expect(pictures.nth(0).locator("svg text")).to_have_count(1)
    page.keyboard.press("z")
    expect(page.locator("#viewer svg rect.line")).to_have_attribute("x", "4")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer svg rect.line")).to_have_attribute("x", "40")
    expect(page.locator("#viewer svg text")).to_contain_text("dish")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_with_boxes_drawn(
    assign: Any, new_page: Any, scheme: str
) -> None:
    page = new_page(color_scheme=scheme).page
    opened(page, assign([record(JSON_BOXES, TAGS)]).link)
    page.keyboard.press("g")
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
