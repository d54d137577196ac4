"""The failures of the Rounds page: kinds, clusters, examples, and what a lead does about them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console import entrance, widgets
from console.pieces import lists
from console.views import failure_modes, wording
from console.views.failure_modes import FailuresPage
from rounds.failures.naming import NamedCluster
from storage import cluster_names
from storage.workspace import Workspace

KINDS: dict[str, Any] = {
    "kind": st.column_config.TextColumn("Kind of failure", width=140),
    "pairs": st.column_config.NumberColumn("Pairs", format="localized", width=60),
    "share": st.column_config.ProgressColumn("Share", format="%.0f%%", max_value=100, width=120),
    "by_notes": st.column_config.NumberColumn("Only by notes", width=80),
    "clusters": st.column_config.NumberColumn("Clusters", width=60),
    "trend": st.column_config.TextColumn("Share by round", width="large"),
}
CLUSTERS: dict[str, Any] = {
    "kind": st.column_config.TextColumn("Kind", width=110),
    "name": st.column_config.TextColumn("Cluster", width=220),
    "pairs": st.column_config.NumberColumn("Pairs", format="localized", width=60),
    "stability": st.column_config.TextColumn("Stability", width=110),
    "terms": st.column_config.TextColumn("+ only rejected, - only chosen", width="large"),
}


def draw(workspace: Workspace) -> None:
    place, _ = st.columns([2, 5])
    batch = place.selectbox(
        "Batch",
        failure_modes.choices(workspace),
        index=None,
        placeholder="all batches",
        key="batch",
        bind="query-params",
    )
    page = failure_modes.read(workspace, batch or "")
    if not page.kinds:
        widgets.empty(
            "Nobody said yet what is wrong with a worse answer",
            f"{page.summary} A batch with a rubric asks for it, and a note can say it.",
            wording.command(workspace.home, "batch", "create", "NAME", "--rubric", "grounding"),
        )
        return
    widgets.quiet(page.summary, key="failures-summary")
    widgets.table(page.kinds, KINDS, alt="Kinds of failure, the most frequent first")
    st.subheader("Clusters", anchor=False)
    widgets.quiet(
        "Clusters are made anew from the words in which rejected and chosen answers differ. "
        "Stability is 1 where resampled failures always give the same ones; below about 0.5 they "
        "say little. Names stay with their pairs.",
        key="clusters-words",
    )
    draw_clusters(workspace, page)


def draw_clusters(workspace: Workspace, page: FailuresPage) -> None:
    known = {line.id: line for line in page.clusters}
    table, detail = st.columns([5, 4], gap="large")
    with table:
        selected = st.query_params.get("cluster") or next(iter(known))
        lists.selectable(
            page.clusters,
            CLUSTERS,
            parameter="cluster",
            selected=selected,
            alt="Clusters of failures, by kind",
        )
    line = known.get(selected)
    if line is not None:
        with detail:
            draw_cluster(workspace, page.report.find(line.kind, line.name))


def draw_cluster(workspace: Workspace, found: NamedCluster) -> None:
    st.markdown("**Typical ones**")
    for example in failure_modes.examples(found):
        with st.container(border=True):
            st.text(example.question)
            st.text(f"Chosen: {example.chosen}")
            st.text(f"Rejected: {example.rejected}")
            widgets.to_page("pairs", {"pair": example.pair_id})
    if said := st.session_state.pop("cluster-said", ""):
        st.text(said)
    draw_naming(workspace, found)
    draw_collecting(workspace, found)


def draw_naming(workspace: Workspace, found: NamedCluster) -> None:
    field, give, back = st.columns([4, 2, 2], vertical_alignment="bottom")
    name = field.text_input(
        "Name; that of another cluster merges them",
        found.name if found.given else "",
        key=f"cluster-name-{found.name}",
        max_chars=cluster_names.LONGEST,
    )
    give.button(
        "Name it",
        key="cluster-give",
        width="stretch",
        disabled=not (name or "").strip(),
        on_click=rename,
        args=(workspace, found, name or ""),
    )
    if found.given:
        back.button(
            "Take back",
            key="cluster-forget",
            width="stretch",
            on_click=forget,
            args=(workspace, found),
        )


def draw_collecting(workspace: Workspace, found: NamedCluster) -> None:
    field, count, button = st.columns([4, 2, 2], vertical_alignment="bottom")
    batch = field.text_input("Collect for it: name of the batch", key="collect-batch")
    size = count.number_input("Pairs", 1, None, 200, 50, key="collect-size")
    button.button(
        "Collect",
        key="collect",
        width="stretch",
        disabled=not (batch or "").strip(),
        help="Unlabeled pairs most like these; a fifth is drawn by lot.",
        on_click=collect,
        args=(workspace, found, (batch or "").strip(), int(size or 1)),
    )


def rename(workspace: Workspace, found: NamedCluster, name: str) -> None:
    with entrance.explained():
        failure_modes.rename(workspace, found, name)


def forget(workspace: Workspace, found: NamedCluster) -> None:
    with entrance.explained():
        failure_modes.forget(workspace, found)


def collect(workspace: Workspace, found: NamedCluster, batch: str, size: int) -> None:
    with entrance.explained():
        st.session_state["cluster-said"] = failure_modes.collect(workspace, found, batch, size)
