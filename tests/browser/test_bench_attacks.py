"""Text that attacks the page: scripts, requests to others, and imitations of the bench itself.

It stands wherever text comes from a file or a lead: prompt, both answers, guidelines, rubric. A
request to another origin fails any page (see conftest), and so does an error in a script.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

_RUN = "window.__xss=1"
SCRIPTS = (
    f"<script>{_RUN}</script>",
    f"<ScRiPt>{_RUN}</sCrIpT>",
    f"<script src=data:text/javascript,{_RUN}></script>",
    f"<img src=x onerror={_RUN}>",
    f"<img/src='x'/onerror='{_RUN}'>",
    f"<svg onload={_RUN}></svg>",
    f"<svg><script>{_RUN}</script></svg>",
    f"<svg><animate onbegin={_RUN} attributeName=x dur=1s>",
    f"<math><mtext><img src=x onerror={_RUN}></mtext></math>",
    f"<body onload={_RUN}>",
    f"<details open ontoggle={_RUN}>",
    f"<video x><source onerror={_RUN}></video>",
    f"<audio src=x onerror={_RUN}>",
    f"<iframe srcdoc='<script>parent.{_RUN}</script>'></iframe>",
    f"<iframe src='javascript:parent.{_RUN}'></iframe>",
    f"<object data='javascript:{_RUN}'></object>",
    f"<embed src='javascript:{_RUN}'>",
    f"<a href='javascript:{_RUN}' autofocus onfocus={_RUN}>x</a>",
    f"<input autofocus onfocus={_RUN}>",
    f"<select autofocus onfocus={_RUN}></select>",
    f"<form action='javascript:{_RUN}'><button>Left is better</button></form>",
    f"<marquee onstart={_RUN}>x</marquee>",
    f"<template><script>{_RUN}</script></template>",
    f"<noscript><p title='</noscript><img src=x onerror={_RUN}>'>",
    f"</textarea><script>{_RUN}</script>",
    f"</title><script>{_RUN}</script>",
    f"--><script>{_RUN}</script><!--",
    f"]]><script>{_RUN}</script>",
    f'"><script>{_RUN}</script>',
    f"'-{_RUN}-'",
    f"${{{_RUN}}} {{{{{_RUN}}}}} <%= {_RUN} %>",
    f"[x](javascript:{_RUN}) <javascript:{_RUN}>",
    f"<base href='javascript:{_RUN}//'>",
    f"&lt;script&gt;{_RUN}&lt;/script&gt;",
    f"\\u003cscript\\u003e{_RUN}\\u003c/script\\u003e",
)
BEACONS = (
    "![x](https://evil.test/a.png)",
    "![x][r]\n\n[r]: https://evil.test/b.png",
    "<img src=https://evil.test/c.png srcset='https://evil.test/d.png 2x'>",
    "<style>@import 'https://evil.test/e.css'; * { background: url(https://evil.test/f) }</style>",
    "<link rel=stylesheet href=https://evil.test/g.css>",
    "<link rel=preload href=//evil.test/h as=font>",
    "<meta http-equiv=refresh content='0;url=https://evil.test/i'>",
    "<svg><image href='https://evil.test/j.png'/><use href='https://evil.test/k.svg#x'/></svg>",
    "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image "
    "href='https://evil.test/l.png'/></svg>\">",
    "<p style='background:url(https://evil.test/m)' background=https://evil.test/n>x</p>",
    "$\\includegraphics{https://evil.test/o.png}$ \\href{https://evil.test/p}{x}",
    '```mermaid\ngraph TD; A-->B; click A "https://evil.test/q"\n```',
    "<video poster=https://evil.test/r autoplay src=https://evil.test/s></video>",
    "<iframe src=https://evil.test/t></iframe><object data=https://evil.test/u></object>",
    "https://evil.test/v <https://evil.test/w>",
)
IMITATION = (
    "\n</div></div><button id='choose-left'>Left is better</button>"
    "<p role='alert'>System: the session ended. Press A to go on.</p>\n"
    "Pair 1 / 1\nSaved\n[A] Left is better   [B] Right is better"
)
# short enough for a rubric
WORD = f"<img src=x onerror={_RUN}>"
EVERYTHING = "\n".join((*SCRIPTS, *BEACONS, IMITATION))


@pytest.fixture
def attacked(assign: Any, new_page: Any) -> Page:
    """A bench where every text from outside is the attack."""
    rubric = {"criteria": [{"key": "accuracy", "label": WORD, "low": WORD, "high": WORD}]}
    rubric["failure_kinds"] = [{"key": "other", "label": WORD}]
    assigned = assign(
        [_record(EVERYTHING, f"one {EVERYTHING}", f"other {EVERYTHING}")],
        guidelines=EVERYTHING,
        rubric=json.dumps(rubric),
    )
    page: Page = new_page().page
    page.goto(assigned.link)
    expect(page.locator("#pair-number")).to_have_text("Pair 1 / 1")
    expect(page.locator("body[data-bench=pair]")).to_be_visible()
    return page


def _record(question: str, one: str, other: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": one}]
    return {"messages": messages, "rejected_response": other}


def test_text_that_attacks_is_read_and_does_nothing(attacked: Page) -> None:
    page = attacked
    said = page.evaluate(
        "() => ['left-text', 'right-text'].map(i => document.getElementById(i))"
        ".map(e => e.textContent).sort()"
    )
    assert said == [f"one {EVERYTHING}", f"other {EVERYTHING}"]
    page.keyboard.press("d")
    page.locator("#show-guidelines").click()
    guidelines = page.locator("dialog[open]")
    expect(guidelines).to_contain_text("window.__xss=1")
    assert guidelines.locator("script, img, iframe, object, svg, style, link").count() == 0
    page.keyboard.press("Escape")
    for key in ("n", "r", "?"):
        page.keyboard.press(key)
        page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    drawn = "#turns, #left-text, #right-text, #remarks"
    live = "script, img, iframe, object, embed, svg, style, link, form, video, a[href]"
    assert page.locator(drawn).locator(live).count() == 0
    assert page.evaluate("() => window.__xss") is None
    assert page.title() == "Pairwright bench"


def test_an_answer_that_imitates_the_bench_stays_inside_its_frame(attacked: Page) -> None:
    page = attacked
    assert page.locator("#choose-left").count() == 1
    assert page.get_by_role("alert").filter(has_text="session ended").count() == 0
    frames = page.evaluate(
        """() => ["left-text", "right-text"].map((id) => {
          const text = document.getElementById(id), box = text.getBoundingClientRect();
          const foreign = [...text.querySelectorAll("button, [role], input")].length;
          const range = document.createRange();
          range.selectNodeContents(text);
          const drawn = range.getBoundingClientRect();
          return [foreign, drawn.left >= box.left - 1 && drawn.right <= box.right + 1];
        })"""
    )
    assert frames == [[0, True], [0, True]]
