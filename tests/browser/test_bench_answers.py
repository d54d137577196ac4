"""What the bench shows in the answers: differences by word, folded reasoning, unseen characters."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

CODE = "Two shapes:\n\n- red circle\n- blue square\n\nfor shape in {}:\n    print(shape)\n"


def record(question: str, one: str, other: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": one}]
    return {"messages": messages, "rejected_response": other}


def at_pair(page: Page, words: str) -> None:
    expect(page.locator("#pair-number")).to_have_text(words)
    expect(page.locator("body[data-bench=pair]")).to_be_visible()


def marked(page: Page) -> set[tuple[str, ...]]:
    """The marked stretches of both answers, whichever side they are on."""
    sides = (page.locator(f"#{side}-text mark") for side in ("left", "right"))
    return {tuple(side.all_text_contents()) for side in sides}


def module(page: Page, name: str, script: str, *given: Any) -> Any:
    """The value of `script`, a function of a module of the page and arguments."""
    call = f"async (given) => ({script})(await import('/static/{name}.js'), ...given)"
    return page.evaluate(call, list(given))


def test_the_difference_is_marked_in_place_and_stays_on_until_toggled_off(
    assign: Any, new_page: Any
) -> None:
    pairs = [record("Which?", CODE.format("shapes"), CODE.format("figures")) for _ in range(1)]
    pairs.append(record("What?", "It is red today.", "It is blue today."))
    page = new_page().page
    page.goto(assign(pairs).link)
    wanted = {"Which?": {("shapes",), ("figures",)}, "What?": {("red",), ("blue",)}}
    at_pair(page, "Pair 1 / 2")
    assert page.locator("mark").count() == 0
    page.keyboard.press("d")
    expect(page.locator("#show-difference")).to_have_attribute("aria-pressed", "true")
    assert marked(page) == wanted[page.inner_text("#turns .words")]
    expect(page.locator("#tool-words")).to_have_text("Words that differ: 1 in A, 1 in B")
    page.keyboard.press("s")
    at_pair(page, "Pair 2 / 2")
    assert marked(page) == wanted[page.inner_text("#turns .words")]
    page.get_by_role("button", name="Difference").click()
    expect(page.locator("mark")).to_have_count(0)
    expect(page.locator("#tool-words")).to_have_text("")


def test_marks_leave_line_breaks_code_and_every_character_as_they_are(
    assign: Any, new_page: Any
) -> None:
    one, other = CODE.format("a < b > c"), CODE.format("<b>&amp;</b>\t[x](y)")
    page = new_page().page
    page.goto(assign([record("Which?", one, other)]).link)
    at_pair(page, "Pair 1 / 1")
    page.keyboard.press("d")
    shown = {page.text_content("#left-text"), page.text_content("#right-text")}
    assert shown == {one, other}
    expect(page.locator("mark").first).to_have_css("text-decoration-line", "underline")
    page.keyboard.press("d")
    assert {page.text_content("#left-text"), page.text_content("#right-text")} == {one, other}


def test_answers_too_long_to_compare_say_so_and_stay_readable(assign: Any, new_page: Any) -> None:
    one = " ".join(f"a{n}" for n in range(9000))
    other = " ".join(f"b{n}" for n in range(9000))
    page = new_page().page
    page.goto(assign([record("Which?", one, other)]).link)
    at_pair(page, "Pair 1 / 1")
    page.keyboard.press("d")
    expect(page.locator("#tool-words")).to_have_text("Too long to be compared word by word")
    assert page.locator("mark").count() == 0
    assert {page.text_content("#left-text"), page.text_content("#right-text")} == {one, other}


COMPARED: list[tuple[str, str, list[list[str]]]] = [
    ("", "", [[], []]),
    ("", "one two", [[], ["one two"]]),
    ("the 3.14 cube", "the 3.15 cube", [["3.14"], ["3.15"]]),
    ("图中有三只猫", "图中有两只狗", [["三", "猫"], ["两", "狗"]]),
    ("don't stop", "do stop", [["don't"], ["do"]]),
    # what matches by chance between large differences is different too
    (
        "There are four red circles in the picture today",
        "Nothing but grey squares everywhere in some large dark rooms",
        [
            ["There are four red circles in the picture today"],
            ["Nothing but grey squares everywhere in some large dark rooms"],
        ],
    ),
]


def test_words_are_compared_as_people_read_them(assign: Any, new_page: Any) -> None:
    page = new_page().page
    page.goto(assign(count=1).link)
    at_pair(page, "Pair 1 / 1")
    script = """(diff, pairs) => pairs.map(([left, right]) => {
        const [a, b] = [diff.wordsOf(left), diff.wordsOf(right)];
        const marks = diff.compare(a, b);
        const cut = (text, found) => found.map(([from, to]) => text.slice(from, to));
        return [cut(left, diff.ranges(a, marks.left)), cut(right, diff.ranges(b, marks.right))];
    })"""
    found = module(page, "diff", script, [[left, right] for left, right, _ in COMPARED])
    for (left, right, wanted), marks in zip(COMPARED, found, strict=True):
        assert marks == wanted, (left, right)


def test_what_is_not_marked_is_the_same_on_both_sides(assign: Any, new_page: Any) -> None:
    page = new_page().page
    page.goto(assign(count=1).link)
    at_pair(page, "Pair 1 / 1")
    script = """(diff) => {
        const draw = () => Array.from({ length: Math.floor(Math.random() * 14) },
            () => "w" + Math.floor(Math.random() * 4)).join(" ");
        const wrong = [];
        for (let n = 0; n < 2000; n += 1) {
            const [a, b] = [diff.wordsOf(draw()), diff.wordsOf(draw())];
            const marks = diff.compare(a, b);
            const rest = (all, on) => all.filter((_, i) => !on[i]).map(({ word }) => word).join();
            if (rest(a, marks.left) !== rest(b, marks.right)) wrong.push([a, b]);
        }
        return wrong;
    }"""
    assert module(page, "diff", script) == []


THOUGHT = "<think>First I count. One, two.</think>Two shapes."


def test_reasoning_is_folded_and_opened_on_both_sides_together(assign: Any, new_page: Any) -> None:
    pairs = [record("Both?", THOUGHT, "<think>Hm.</think>Three."), record("One?", THOUGHT, "Four.")]
    page = new_page().page
    page.goto(assign(pairs).link)
    for number in (1, 2):
        at_pair(page, f"Pair {number} / 2")
        several = page.inner_text("#turns .words") == "Both?"
        folds = page.locator(".fold")
        expect(folds).to_have_count(2 if several else 1)
        expect(page.locator(".thought:visible")).to_have_count(0)
        page.keyboard.press("t")
        expect(page.locator(".thought:visible")).to_have_count(2 if several else 1)
        expect(folds.first).to_have_attribute("aria-expanded", "true")
        folds.first.click()
        expect(page.locator(".thought:visible")).to_have_count(0)
        page.keyboard.press("s")


def test_an_answer_without_reasoning_is_nothing_but_its_text(assign: Any, new_page: Any) -> None:
    page = new_page().page
    page.goto(assign([record("One?", THOUGHT, "Four.")]).link)
    at_pair(page, "Pair 1 / 1")
    plain = page.locator("#left-text, #right-text").filter(has_text="Four.")
    assert plain.inner_html() == "Four."
    expect(page.locator(".fold")).to_have_text("Reasoning, 5 words")


PARTS: list[tuple[str, list[list[Any]]]] = [
    ("", []),
    ("plain", [[False, "plain"]]),
    ("<think>a</think>b", [[True, "<think>a</think>"], [False, "b"]]),
    ("a</think>b", [[True, "a</think>"], [False, "b"]]),
    ("a<THINK>cut off", [[False, "a"], [True, "<THINK>cut off"]]),
    ("<think>a<think>b</think>c", [[True, "<think>a<think>b</think>"], [False, "c"]]),
]


def test_parts_of_an_answer_lose_no_character(assign: Any, new_page: Any) -> None:
    page = new_page().page
    page.goto(assign(count=1).link)
    at_pair(page, "Pair 1 / 1")
    script = """(thoughts, texts) => texts.map((text) => thoughts.parts(text)
        .map(({ thought, start, end }) => [thought, text.slice(start, end)]))"""
    found = module(page, "thoughts", script, [text for text, _ in PARTS])
    for (text, wanted), parts in zip(PARTS, found, strict=True):
        assert parts == wanted
        assert "".join(piece for _, piece in parts) == text


def test_unseen_characters_are_named_and_stay_within_their_place(
    assign: Any, new_page: Any
) -> None:
    hidden = "zero\u200bwidth, \u202eturned\u202c, end"
    joined = "\U0001f469\u200d\U0001f52c and \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    page = new_page().page
    page.goto(assign([record("Seen?", hidden, joined)]).link)
    at_pair(page, "Pair 1 / 1")
    codes = page.locator(".unseen").evaluate_all("(all) => all.map((each) => each.dataset.code)")
    assert codes == ["U+200B", "U+202E", "U+202C"]
    assert {page.text_content("#left-text"), page.text_content("#right-text")} == {hidden, joined}
    expect(page.locator(".unseen").nth(1)).to_have_css("unicode-bidi", "isolate")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_marked_and_opened_answers(
    assign: Any, new_page: Any, scheme: str
) -> None:
    page = new_page(color_scheme=scheme).page
    page.goto(assign([record("One?", THOUGHT, "Four\u200b shapes.")]).link)
    at_pair(page, "Pair 1 / 1")
    page.keyboard.press("d")
    page.keyboard.press("t")
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
