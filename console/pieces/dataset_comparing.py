"""Two dataset versions side by side: what was added, removed, flipped or moved, with examples."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console import widgets
from console.pieces import dataset_coverage, lists, rows
from console.views import dataset_changes, datasets
from console.views.dataset_changes import Comparison
from console.views.datasets import Versions
from storage import dataset_versions
from storage.dataset_diff import Change
from storage.rows import DatasetRow
from storage.workspace import Workspace

CATEGORIES: dict[str, Any] = {
    "category": st.column_config.TextColumn("Category", width=140),
    "before": st.column_config.NumberColumn("Before", format="localized"),
    "after": st.column_config.NumberColumn("After", format="localized"),
    "added": st.column_config.NumberColumn("Added", format="localized"),
    "removed": st.column_config.NumberColumn("Removed", format="localized"),
    "flipped": st.column_config.NumberColumn("Flipped", format="localized"),
    "moved": st.column_config.NumberColumn("Moved", format="localized"),
    "unchanged": st.column_config.NumberColumn("Unchanged", format="localized"),
}
DRIFTS: dict[str, Any] = {
    "feature": st.column_config.TextColumn("Rows by", width=170),
    "verdict": st.column_config.TextColumn("Drift", width=90),
    "divergence": st.column_config.TextColumn("Jensen-Shannon", width=100, alignment="right"),
    "stability": st.column_config.TextColumn("Stability index", width=100, alignment="right"),
    "most": st.column_config.TextColumn("What moved most", width="large"),
}
MOST_CATEGORIES = 24
EXAMPLES: dict[str, Any] = {
    "prompt": st.column_config.TextColumn("Prompt", width=260),
    "category": st.column_config.TextColumn("Category", width=90),
    "change": st.column_config.TextColumn("Change", width=150),
}


def draw(workspace: Workspace, there: Versions) -> None:
    if len(there.ids) < 2:
        st.text("Two versions are needed to compare. Build another one, in the view Build.")
        return
    first, second, _ = st.columns([1, 1, 3])
    before = first.selectbox(
        "From", there.ids, index=1, key="from", bind="query-params", on_change=forget
    )
    after = second.selectbox(
        "To", there.ids, index=0, key="to", bind="query-params", on_change=forget
    )
    comparison = compared(workspace, str(before), str(after))
    for sentence in comparison.sentences:
        st.text(sentence)
    for number, said in enumerate(comparison.made):
        widgets.quiet(said, key=f"made-{number}")
    widgets.copyable(comparison.command)
    widgets.table(
        comparison.categories, CATEGORIES, alt="Changes by category", most_rows=MOST_CATEGORIES
    )
    if comparison.drifts:
        st.subheader("Drift of the make-up", anchor=False)
        widgets.quiet(
            "Jensen-Shannon divergence: 0 the same, 1 nothing in common. Stability index: below "
            "0.1 stable, above 0.25 much shifted.",
            key="about-drift",
        )
        widgets.table(comparison.drifts, DRIFTS, alt="How far the rows' make-up has moved")
        dataset_coverage.draw(workspace)
    draw_examples(workspace, comparison)


def compared(workspace: Workspace, before: str, after: str) -> Comparison:
    with workspace.ledger.read() as db:
        versions = [dataset_versions.get(db, name) for name in (before, after)]
    old, new = (rows.of_version(workspace, version) for version in versions)
    return dataset_changes.compare(workspace, (before, old), (after, new))


def forget() -> None:
    """The pair that was looked at belongs to another comparison."""
    st.query_params.pop("pair", None)


def draw_examples(workspace: Workspace, comparison: Comparison) -> None:
    counts = {kind: count for kind, count in comparison.counts().items() if count}
    if not counts:
        return
    st.subheader("Examples", anchor=False)
    kind = st.segmented_control(
        "Change",
        list(counts),
        default=next(iter(counts)),
        required=True,
        key="change",
        bind="query-params",
        label_visibility="collapsed",
        on_change=forget,
    )
    kind = kind if kind in counts else next(iter(counts))
    lines = dataset_changes.examples(comparison, kind)
    selected = st.query_params.get("pair") or lines[0].id
    left, right = st.columns([5, 6], gap="medium")
    with left:
        widgets.quiet(f"{len(lines):,} of {counts[kind]:,} {kind}", key="shown")
        lists.selectable(
            lines, EXAMPLES, parameter="pair", selected=selected, alt="Pairs that changed"
        )
    with right:
        found = dataset_changes.both(comparison, kind, selected)
        if found is None:
            st.text("The pair of the address is not among these. Select one of the list.")
        else:
            draw_pair(workspace, found)


def draw_pair(workspace: Workspace, found: Change | DatasetRow) -> None:
    """A pair of one version as it is; of both, what was chosen before stands under it."""
    if not isinstance(found, Change):
        rows.draw(workspace, datasets.row_detail(workspace, found))
        return
    rows.draw(workspace, datasets.row_detail(workspace, found.after))
    if found.before.chosen != found.after.chosen:
        widgets.quiet("Before, it was the other way round:", key="before")
        left, right = st.columns(2, gap="medium")
        with left:
            rows.draw_answer("chosen", found.before.chosen, "before")
        with right:
            rows.draw_answer("rejected", found.before.rejected, "before")
    if found.before.split != found.after.split:
        widgets.quiet(f"Before: {found.before.split}. Now: {found.after.split}.", key="side")
