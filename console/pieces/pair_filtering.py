"""The filters of the Pairs page. Every one lives in the address; a change starts over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from console.views import pair_searches, pairs
from console.views.pairs import Choices
from labeling.explorer import STATES, Cursor, Search
from storage.pair_filters import REPORTS, YES_OR_NO
from storage.rows import Verdict

# those behind `More filters`
MORE = ("source", "consensus", "low", "high", "report", "failure", "tag", "excluded", "round")
DAYS = ("from", "to", "since", "until")
# where a page begins, and what is looked at
PLACE = ("after", "before", "pair")
# `before` this is the last page
END = "end"


def draw(choices: Choices) -> tuple[Search, int, Sequence[DeltaGenerator]]:
    """The filters; returns what is searched for, how many pairs a page has, and two places beside
    them."""
    batch, category, annotator, verdict, text, size = st.columns([2, 2, 2, 2, 3, 1])
    said = {
        "batch": choose(batch, "Batch", choices.batches),
        "category": choose(category, "Category", choices.categories),
        "annotator": choose(annotator, "Annotator", choices.annotators),
        "verdict": choose(
            verdict, "Verdict", [one.value for one in Verdict], show=lambda one: VERDICTS[one]
        ),
        "text": text.text_input(
            "Text",
            key="text",
            bind="query-params",
            type="search",
            placeholder="in prompt or answers",
            max_chars=200,
            on_change=start_over,
        )
        or "",
    }
    per_page = size.selectbox(
        "Per page", pairs.PAGE_SIZES, key="size", bind="query-params", on_change=start_over
    )
    more, *beside = st.columns([8, 1.2, 1.2])
    with more:
        found = pair_searches.search_of({**said, **draw_more(choices)})
    return found, int(per_page or pairs.PAGE_SIZES[0]), beside


VERDICTS = {verdict.value: words for verdict, words in pairs.VERDICTS.items()}


def draw_more(choices: Choices) -> dict[str, str]:
    """Those that are asked for less often, open when the address has one of them."""
    is_open = bool({*MORE, *DAYS} & st.query_params.to_dict().keys())
    with st.expander("More filters", expanded=is_open):
        first, second, third = st.columns(4), st.columns(4), st.columns(5)
    low, high = first[2], first[3]
    return {
        "source": choose(first[0], "Source", choices.sources, "File or checkpoint of an answer."),
        "consensus": choose(first[1], "Consensus", STATES, "Of all votes, by majority."),
        "low": confidence(low, "Confidence from", "low"),
        "high": confidence(high, "Confidence to", "high"),
        "from": day(second[0], "Voted from", "from"),
        "to": day(second[1], "Voted to", "to"),
        "since": day(second[2], "Imported from", "since"),
        "until": day(second[3], "Imported to", "until"),
        "report": choose(third[0], "Report", REPORTS, "Open: no lead has answered it."),
        "failure": choose(third[1], "Failure", choices.failures, "What a vote says is wrong."),
        "tag": choose(third[2], "Tag", choices.tags, "Put there by leads."),
        "excluded": choose(third[3], "Excluded", YES_OR_NO, "By a lead, the whole pair."),
        "round": choose(third[4], "Round", choices.rounds, "That collects a batch with the pair."),
    }


def day(place: DeltaGenerator, label: str, key: str) -> str:
    found = place.date_input(
        label,
        value=None,
        # by default the days of an address that are ten years past would be dropped
        min_value=date(2000, 1, 1),
        key=key,
        bind="query-params",
        format="YYYY-MM-DD",
        on_change=start_over,
        help="A day in UTC.",
    )
    return found.isoformat() if found else ""


def confidence(place: DeltaGenerator, label: str, key: str) -> str:
    found: float | None = place.number_input(
        label,
        0.0,
        1.0,
        None,
        step=0.05,
        key=key,
        bind="query-params",
        placeholder="any",
        on_change=start_over,
        help="Only pairs with a winner have a confidence.",
    )
    return "" if found is None else f"{found:g}"


def choose(
    place: DeltaGenerator,
    label: str,
    options: Sequence[str],
    tip: str = "",
    show: Callable[[str], str] = str,
) -> str:
    key = label.lower()
    if st.session_state.get(key) not in (None, *options):
        # a saved view may ask for what is gone
        st.session_state[key] = None
    chosen: str | None = place.selectbox(
        label,
        options,
        index=None,
        key=key,
        bind="query-params",
        placeholder="all",
        on_change=start_over,
        format_func=show,
        help=tip or None,
    )
    return chosen or ""


def start_over() -> None:
    """What was selected may not match any more."""
    for name in PLACE:
        st.query_params.pop(name, None)


def put(said: Mapping[str, str]) -> None:
    """Set every filter: those of a saved view, all others empty. Only in a callback."""
    for name in pair_searches.NAMES:
        st.session_state[name] = _value(name, said.get(name, ""))
    start_over()


def _value(name: str, said: str) -> Any:
    """As the widget of a filter holds it."""
    if name == "text":
        return said
    if not said:
        return None
    if name in DAYS:
        return date.fromisoformat(said)
    return float(said) if name in ("low", "high") else said


def cursor() -> Cursor:
    """Where the address says that the page begins."""
    before = st.query_params.get("before", "")
    if before:
        return Cursor("" if before == END else before, backwards=True)
    return Cursor(st.query_params.get("after", ""))


def draw_pages(page: pairs.PairsPage) -> None:
    """The way to the pages around this one."""
    first, last = (page.lines[0].id, page.lines[-1].id) if page.lines else ("", "")
    with st.container(horizontal=True, key="pages"):
        # from an empty page, where votes took away what was there, only the ends are left
        turn("First", {}, is_there=page.has_before or not page.lines)
        turn("Previous", {"before": first}, is_there=page.has_before)
        turn("Next", {"after": last}, is_there=page.has_after)
        turn("Last", {"before": END}, is_there=page.has_after or not page.lines)


def turn(label: str, to: Mapping[str, str], *, is_there: bool) -> None:
    st.button(label, key=f"page-{label.lower()}", on_click=go, args=(to,), disabled=not is_there)


def go(to: Mapping[str, str]) -> None:
    start_over()
    for name, value in to.items():
        st.query_params[name] = value
