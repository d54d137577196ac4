"""Overview: what needs me now, and how everything stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from console import entrance, widgets
from console.pieces import settling
from console.views import needs, overview, wording
from console.views.needs import Need
from console.views.overview import Overview
from storage.workspace import Workspace

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LEVELS = {needs.BLOCKED: "red", needs.WAITING: "yellow", needs.NEXT: "gray"}

BATCHES = {
    "batch": st.column_config.TextColumn("Batch", width="medium"),
    "percent": st.column_config.ProgressColumn(
        "Labeled", format="%d%%", max_value=100, width="small"
    ),
    "votes": "Votes",
    "pairs": st.column_config.NumberColumn("Pairs", format="localized"),
    "settled": st.column_config.NumberColumn("Settled", format="localized"),
    "unsettled": st.column_config.NumberColumn("Unsettled", format="localized"),
    "disputes": st.column_config.NumberColumn("Disputes", format="localized"),
    "ties": st.column_config.NumberColumn("Ties", format="localized"),
    "imported": st.column_config.NumberColumn("Imported labels", format="localized"),
}
LINKS = {
    "annotator": "Annotator",
    "batch": "Batch",
    "state": "State",
    "expires": "Expires",
    "last_seen": "Last seen",
}
JOBS = {
    "job": "Job",
    "kind": "Kind",
    "state": "State",
    "progress": "Progress",
    "created": "Submitted",
}
NEWEST = {
    "what": "What",
    "name": "Name",
    "about": st.column_config.TextColumn("About", width="large"),
    "made": "Made",
}


def live(workspace: Workspace) -> None:
    """What changes comes by itself, in two parts: the way to the disputes between them stays still
    while somebody writes a name there."""

    def refresh() -> None:
        with entrance.explained():
            st.session_state["overview"] = overview.prepare(workspace)
            draw_needs(st.session_state["overview"])

    def refresh_rest() -> None:
        if "overview" in st.session_state:
            draw_rest(st.session_state["overview"])

    st.fragment(refresh, run_every="5s")()
    settling.draw(workspace)
    # of the same reading, so that both parts agree and the workspace is read once
    st.fragment(refresh_rest, run_every="5s")()


def draw_needs(view: Overview) -> None:
    st.subheader("What needs you now", anchor=False)
    with st.container(border=True):
        for position, need in enumerate(view.needs):
            draw_need(need, position)


def draw_rest(view: Overview) -> None:
    if not view.batches:
        return
    st.subheader("Batches", anchor=False)
    widgets.table(view.batches, BATCHES, alt="Batches with their progress")
    left, right = st.columns(2, gap="medium")
    with left:
        draw_part("Links", view.links, LINKS, "No link was handed out yet.")
    with right:
        draw_part("Jobs", view.jobs, JOBS, "No job was submitted yet.")
    draw_newest(view)


def draw_need(need: Need, position: int) -> None:
    level, sentence, command, link = st.columns([1, 6, 6, 1.4], vertical_alignment="center")
    level.badge(need.level, color=LEVELS[need.level])
    sentence.text(need.text)
    if need.command:
        with command:
            widgets.copyable(need.command)
    if need.page:
        with link:
            widgets.to_page(need.page, need.query)


def draw_part(
    title: str, lines: Sequence[DataclassInstance], columns: Mapping[str, Any], empty: str
) -> None:
    st.subheader(title, anchor=False)
    if lines:
        widgets.table(lines, columns, alt=title, most_rows=8)
    else:
        widgets.quiet(empty, key=title)


def draw_newest(view: Overview) -> None:
    draw_part("Newest", view.newest, NEWEST, "No dataset version and no checkpoint yet.")
    workers = wording.count(view.workers, "worker")
    widgets.quiet(f"{workers} running. Workspace {view.home}", key="workers")


entrance.enter(live)
