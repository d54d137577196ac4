"""Pairs: filter, page through, and look at one pair with its votes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from console import entrance, widgets
from console.pieces import lists, prompts, settling
from console.views import pairs, wording
from console.views.pairs import Answer, Choices, PairDetail, PairsPage
from storage.errors import NotFoundError
from storage.pairs import PairFilter
from storage.rows import Verdict
from storage.workspace import Workspace

LINES = {
    "prompt": st.column_config.TextColumn("Prompt", width=220),
    "category": st.column_config.TextColumn("Category", width=90),
    "votes": st.column_config.NumberColumn("Votes", width=50),
    "consensus": st.column_config.TextColumn("Consensus", width=90),
    "imported": st.column_config.TextColumn("Imported", width=70),
}
VOTES = {
    "annotator": "Annotator",
    "verdict": "Verdict",
    "shown": "Shown",
    "batch": "Batch",
    "when": "When",
}
BADGES = {"chosen": "blue", "rejected": "orange"}


def filters(choices: Choices) -> tuple[PairFilter, int]:
    """Every filter lives in the URL; a change starts again at the first page."""
    batch, category, annotator, verdict, text, size = st.columns([2, 2, 2, 2, 3, 1])
    wanted = PairFilter(
        batch=choose(batch, "Batch", choices.batches),
        category=choose(category, "Category", choices.categories),
        annotator=choose(annotator, "Annotator", choices.annotators),
        verdict=choose(verdict, "Verdict", [verdict.value for verdict in Verdict]),
        text=text.text_input(
            "Text",
            key="text",
            bind="query-params",
            type="search",
            placeholder="in prompt or answers",
            max_chars=200,
            on_change=start_over,
        )
        or "",
    )
    per_page = size.selectbox(
        "Per page", pairs.PAGE_SIZES, key="size", bind="query-params", on_change=start_over
    )
    return wanted, int(per_page or pairs.PAGE_SIZES[0])


def choose(place: st.delta_generator.DeltaGenerator, label: str, options: Sequence[str]) -> str:
    chosen = place.selectbox(
        label,
        options,
        index=None,
        key=label.lower(),
        bind="query-params",
        placeholder="all",
        on_change=start_over,
        format_func=verdict_name if label == "Verdict" else str,
    )
    return chosen or ""


def verdict_name(value: str) -> str:
    return pairs.VERDICTS[Verdict(value)]


def start_over() -> None:
    """What was selected may not match any more."""
    st.session_state["page"] = 1
    st.query_params.pop("pair", None)


def page_number() -> int:
    """The page asked for. On the first run the pages' own widget has not read the URL yet."""
    asked = str(st.session_state.get("page") or st.query_params.get("page") or 1)
    return int(asked) if asked.isdecimal() else 1


def chosen_id(page: PairsPage) -> str:
    """The pair of the URL, else the first of the page."""
    return st.query_params.get("pair") or (page.lines[0].id if page.lines else "")


def draw_detail(workspace: Workspace, pair_id: str) -> None:
    try:
        view = pairs.detail(workspace, pair_id)
    except NotFoundError as error:
        widgets.trouble(error)
        return
    widgets.quiet(f"Pair {view.id[:12]} · {view.category} · {view.consensus}", key="head")
    prompts.draw(workspace, view.turns, view.media, view.names)
    left, right = st.columns(2, gap="medium")
    for place, answer in zip((left, right), view.answers, strict=True):
        with place:
            draw_answer(answer)
    draw_votes(view)


def draw_answer(answer: Answer) -> None:
    with st.container(key=f"answer-{answer.standing or 'open'}-{answer.name}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Answer {answer.name}**", width="content")
            if answer.standing:
                st.badge(answer.standing, color=BADGES[answer.standing])
        st.text(answer.text)
        widgets.quiet("from " + ", ".join(answer.sources), key=f"source-{answer.name}")


def draw_votes(view: PairDetail) -> None:
    st.subheader("Votes", anchor=False)
    if view.votes:
        widgets.table(view.votes, VOTES, alt="Votes on this pair")
    else:
        widgets.quiet("Nobody has voted on this pair.", key="no-votes")
    for number, decision in enumerate(view.decisions):
        widgets.quiet(decision, key=f"decision-{number}")
    for number, label in enumerate(view.imported):
        widgets.quiet(label, key=f"label-{number}")


def main(workspace: Workspace) -> None:
    choices = pairs.choices(workspace)
    if not choices.batches:
        widgets.empty(
            "There are no pairs yet",
            "A pair is a prompt with two answers. Import a file of them.",
            wording.command(workspace.home, "import", "FILE", "--batch", "NAME"),
            page="imports",
        )
        return
    wanted, size = filters(choices)
    settling.draw(workspace, wanted.batch)
    page = pairs.page(workspace, wanted, page_number(), size)
    left, right = st.columns([5, 6], gap="medium")
    with left:
        widgets.quiet(page.position, key="position")
        if not page.lines:
            st.text("No pair matches these filters.")
            return
        lists.selectable(
            page.lines,
            LINES,
            parameter="pair",
            selected=chosen_id(page),
            alt="Pairs that match the filters",
            most_rows=size,
        )
        st.pagination(page.pages, key="page", bind="query-params")
    with right:
        draw_detail(workspace, chosen_id(page))


entrance.enter(main)
