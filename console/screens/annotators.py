"""Annotators: who voted, how far to rely on it, and what pulls the votes besides the answers."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console import entrance, widgets
from console.pieces import excluding, lists
from console.views import annotators, length_bias
from console.views.annotators import AnnotatorsPage, Detail
from storage.workspace import Workspace

# how long figures are good for: estimating everybody from many votes takes seconds
FRESH = "60s"
MOST_CATEGORIES = 24
PEOPLE: dict[str, Any] = {
    "annotator": st.column_config.TextColumn("Annotator", width=140),
    "judged": st.column_config.NumberColumn("Judged", format="localized", width=60),
    "skips": st.column_config.TextColumn("Skips", width=60, alignment="right"),
    "ties": st.column_config.TextColumn("Ties", width=60, alignment="right"),
    "pace": st.column_config.TextColumn("Pairs an hour", width=80, alignment="right"),
    "left": st.column_config.TextColumn("Left side", width=70, alignment="right"),
    "gold": st.column_config.TextColumn("Gold right", width=70, alignment="right"),
    "again": st.column_config.TextColumn("Same again", width=80, alignment="right"),
    "accuracy": st.column_config.TextColumn("Accuracy", width=70, alignment="right"),
    "findings": st.column_config.NumberColumn("Stands out", width=70),
    "state": st.column_config.TextColumn("Counted", width=90),
}
FIGURES: dict[str, Any] = {
    "figure": st.column_config.TextColumn("Figure", width=140),
    "value": st.column_config.TextColumn("Value", width=120),
    "interval": st.column_config.TextColumn("95% interval", width=140),
    "n": st.column_config.TextColumn("n", width=60, alignment="right"),
    "meaning": st.column_config.TextColumn("What it says", width="large"),
}
BIASES: dict[str, Any] = {
    "category": st.column_config.TextColumn("Category", width=120),
    "votes": st.column_config.NumberColumn("Votes", format="localized", width=60),
    "left": st.column_config.TextColumn("For the left side", width=170),
    "longer": st.column_config.TextColumn("For the longer answer", width=170),
    "laid_out": st.column_config.TextColumn("For lists and bold words", width=170),
}
RATIOS: dict[str, Any] = {
    "ratio": st.column_config.TextColumn("Longer by", width=140),
    "longer": st.column_config.TextColumn("Longer one wins", width=110, alignment="right"),
    "interval": st.column_config.TextColumn("95% interval", width=120),
    "n": st.column_config.NumberColumn("n", format="localized", width=60),
}


def main(workspace: Workspace) -> None:
    names = annotators.choices(workspace)
    batch = st.columns([2, 7])[0].selectbox(
        "Batch", names, index=None, key="batch", bind="query-params", placeholder="all batches"
    )
    page = _prepared(str(workspace.home), workspace, batch or "")
    if not page.people:
        widgets.empty(
            "Nobody has voted yet.",
            "Hand out a link on the Batches page; figures of everybody who votes appear here.",
            page="batches",
        )
        return
    widgets.quiet(f"As of {page.as_of}; estimated anew after a minute.", key="as-of")
    draw_people(workspace, page)
    draw_biases(page)
    widgets.step(
        "The same with every interval:",
        annotators.command(workspace.home, batch or "") + " --json",
        key="command",
    )


def draw_people(workspace: Workspace, page: AnnotatorsPage) -> None:
    selected = st.query_params.get("annotator", "")
    lists.selectable(
        page.people,
        PEOPLE,
        parameter="annotator",
        selected=selected,
        alt="Annotators by name",
        on_change=excluding.keep,
    )
    found = annotators.detail(page, selected) if selected else None
    if found is None:
        widgets.quiet("Choose a line for intervals, and for what to do.", key="choose")
    else:
        draw_detail(found)
        excluding.draw(workspace, found, page.batch, _prepared.clear)


def draw_detail(found: Detail) -> None:
    st.subheader(found.name, anchor=False)
    for number, finding in enumerate(found.findings):
        with st.container(border=True, key=f"finding-{number}"):
            st.text(f"{finding.what[:1].upper()}{finding.what[1:]}.")
            widgets.quiet(finding.do, key=f"do-{number}")
    if not found.findings:
        widgets.quiet("Nothing stands out.", key="nothing")
    widgets.table(found.figures, FIGURES, alt=f"Figures of {found.name}")


def draw_biases(page: AnnotatorsPage) -> None:
    st.subheader("What pulls the votes besides the answers", anchor=False)
    widgets.quiet(
        "Shares of the votes for one of two answers, with 95% intervals; half is even. Answers of "
        "equal length, or both with lists or bold words, are left out.",
        key="about-biases",
    )
    for note in page.notes:
        st.text(note)
    left, right = st.columns([5, 3], gap="medium")
    with left:
        widgets.table(page.biases, BIASES, alt="Leanings of the votes by category")
    with right:
        widgets.table(page.ratios, RATIOS, alt="How often the longer answer wins, by ratio")
    if page.ratios_by_category:
        draw_ratios(page)


def draw_ratios(page: AnnotatorsPage) -> None:
    widgets.quiet(
        "How often the longer answer wins, by category and by how many times longer it is: share "
        "of the votes, its 95% interval, and the votes.",
        key="about-ratios",
    )
    headings = length_bias.headings()
    cells = {
        heading: [row.cells[at] for row in page.ratios_by_category]
        for at, heading in enumerate(headings)
    }
    st.dataframe(
        {"Category": [row.category for row in page.ratios_by_category], **cells},
        hide_index=True,
        row_height=widgets.ROW_HEIGHT,
        height=widgets.table_height(min(len(page.ratios_by_category), MOST_CATEGORIES)),
        column_config={heading: st.column_config.TextColumn(width=150) for heading in headings},
        alt="How often the longer answer wins, by category and ratio",
    )


def _prepare(home: str, _workspace: Workspace, batch: str) -> AnnotatorsPage:
    return annotators.prepare(_workspace, batch)


_prepared = st.cache_resource(_prepare, ttl=FRESH, max_entries=8, show_spinner="Estimating")

entrance.enter(main)
