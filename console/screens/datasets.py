"""Datasets: the versions, one with its rows, the build form, and two versions compared."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console import entrance, widgets
from console.pieces import (
    audit_drawing,
    dataset_building,
    dataset_comparing,
    dataset_noting,
    dataset_readiness,
    dataset_votes,
    lists,
    rows,
)
from console.views import datasets, wording
from console.views.datasets import VersionDetail, Versions
from storage.dataset_file import DatasetFile
from storage.errors import PairwrightError
from storage.workspace import Workspace

VIEWS = ("Versions", "Build", "Compare", "Audit set")
VERSIONS: dict[str, Any] = {
    "id": st.column_config.TextColumn("Version", width=60),
    "rows": st.column_config.NumberColumn("Rows", format="localized", width=60),
    "train": st.column_config.NumberColumn("Train", format="localized", width=60),
    "holdout": st.column_config.NumberColumn("Held out", format="localized", width=70),
    "labels": st.column_config.TextColumn("Labels", width=90),
    "batch": st.column_config.TextColumn("Batch", width=120),
    "filters": st.column_config.TextColumn("Filters", width=150),
    "excluded": st.column_config.TextColumn("Left out", width=200),
    "note": st.column_config.TextColumn("Note", width=180),
    "digest": st.column_config.TextColumn("Digest", width=110),
    "created": st.column_config.TextColumn("Built", width=170),
}
CATEGORIES: dict[str, Any] = {
    "category": st.column_config.TextColumn("Category", width=120),
    "rows": st.column_config.NumberColumn("Rows", format="localized", width=60),
    "train": st.column_config.NumberColumn("Train", format="localized", width=60),
    "holdout": st.column_config.NumberColumn("Held out", format="localized", width=70),
    "labels": st.column_config.TextColumn("Labels from", width=200),
}
ROWS: dict[str, Any] = {
    "prompt": st.column_config.TextColumn("Prompt", width=240),
    "category": st.column_config.TextColumn("Category", width=90),
    "split": st.column_config.TextColumn("Side", width=60),
    "votes": st.column_config.NumberColumn("Votes", width=50),
    "confidence": st.column_config.NumberColumn("Confidence", format="%.2f", width=80),
}
MOST_VERSIONS = 6
MOST_CATEGORIES = 24


def draw_version(workspace: Workspace, view: VersionDetail) -> None:
    st.subheader(f"Version {view.line.id}", anchor=False)
    facts, counts = st.columns([5, 6], gap="large")
    with facts:
        draw_facts(workspace, view)
    try:
        found = rows.file_of(workspace, view.version)
    except PairwrightError as error:
        widgets.trouble(error)
        return
    with counts:
        widgets.table(
            datasets.categories(found.counts()),
            CATEGORIES,
            alt="Rows by category",
            most_rows=MOST_CATEGORIES,
        )
    with facts:
        widgets.quiet(
            f"Digest {view.version.digest}. The file has been read and matches it.", key="digest"
        )
    dataset_readiness.draw(workspace, view.version)
    dataset_votes.draw(workspace, view.version, found)
    draw_rows(workspace, found)


def draw_facts(workspace: Workspace, view: VersionDetail) -> None:
    st.text(view.summary)
    dataset_noting.draw(workspace, view)
    if view.line.filters:
        st.text(f"Filters: {view.line.filters}.")
    if view.line.excluded:
        st.text(f"Left out: {view.line.excluded}.")
    for number, sentence in enumerate(filter(None, (view.apart, view.trained))):
        widgets.quiet(sentence, key=f"fact-{number}")
    widgets.quiet("Built with " + ", ".join(f"{n} {v}" for n, v in view.settings), key="built-with")
    widgets.copyable(view.train)
    with st.container(horizontal=True):
        arrow = ":material/arrow_forward:"
        st.page_link(
            "screens/train.py",
            label="Train on it",
            query_params={"dataset": view.line.id},
            icon=arrow,
        )
        batch = view.version.policy.get("batch")
        st.page_link(
            "screens/pairs.py",
            label="Its pairs with their votes",
            query_params={"batch": str(batch)} if batch else {},
            icon=arrow,
        )


def draw_rows(workspace: Workspace, found: DatasetFile) -> None:
    st.subheader("Rows", anchor=False)
    left, right = st.columns([5, 6], gap="medium")
    with left:
        category, split = st.columns(2)
        chosen = category.selectbox(
            "Category",
            sorted({name or datasets.NO_CATEGORY for name in found.counts()["category"]}),
            index=None,
            placeholder="all",
            key="category",
            bind="query-params",
            on_change=start_over,
        )
        side = split.selectbox(
            "Side",
            datasets.SPLITS,
            index=None,
            placeholder="both",
            key="side",
            bind="query-params",
            on_change=start_over,
        )
        page = datasets.page(found, chosen or "", side or "", page_number())
        widgets.quiet(page.position, key="position")
        selected = st.query_params.get("row") or (page.lines[0].id if page.lines else "")
        if page.lines:
            lists.selectable(
                page.lines, ROWS, parameter="row", selected=selected, alt="Rows of the version"
            )
            st.pagination(page.pages, key="page", bind="query-params", on_change=forget_row)
    with right:
        draw_row(workspace, found, selected)


def draw_row(workspace: Workspace, found: DatasetFile, selected: str) -> None:
    row = found.find(selected) if selected else None
    if row is not None:
        rows.draw(workspace, datasets.row_detail(workspace, row))
    elif selected:
        st.text(f"This version has no row of the pair {selected[:80]!r}.")


def page_number() -> int:
    """The page asked for. On the first run the pages' own widget has not read the URL yet."""
    asked = str(st.session_state.get("page") or st.query_params.get("page") or 1)
    return int(asked) if asked.isdecimal() else 1


def start_over() -> None:
    """What was selected may not match any more."""
    st.session_state["page"] = st.session_state["votes_page"] = 1
    forget_row()


def forget_row() -> None:
    """Another page, or another version, has other rows."""
    st.query_params.pop("row", None)


def draw_versions(workspace: Workspace, there: Versions) -> None:
    if not there.lines:
        widgets.empty(
            "There is no dataset version yet",
            "A version freezes what is decided so far, split into train and holdout. "
            "Build one in the view Build, or with:",
            wording.command(workspace.home, "dataset", "build"),
        )
        return
    selected = st.query_params.get("version") or there.ids[0]
    lists.selectable(
        there.lines,
        VERSIONS,
        parameter="version",
        selected=selected,
        alt="Dataset versions, the newest first",
        most_rows=MOST_VERSIONS,
        on_change=start_over,
    )
    draw_version(workspace, datasets.detail(workspace, selected))


def main(workspace: Workspace) -> None:
    there = datasets.listed(workspace)
    if not there.pairs:
        widgets.empty(
            "There is nothing to build a dataset from",
            "A dataset version is made of pairs with votes or imported labels. Import a file.",
            wording.command(workspace.home, "import", "FILE", "--batch", "NAME"),
            page="imports",
        )
        return
    view = st.segmented_control(
        "View",
        VIEWS,
        default=VIEWS[0] if there.lines else VIEWS[1],
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == "Build":
        dataset_building.draw(workspace, there)
    elif view == "Compare":
        dataset_comparing.draw(workspace, there)
    elif view == "Audit set":
        audit_drawing.draw(workspace, there)
    else:
        draw_versions(workspace, there)


entrance.enter(main)
