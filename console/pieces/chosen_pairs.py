"""Why pairs were chosen, and targets of categories: two views of the Rounds page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console import entrance, widgets
from console.pieces import lists
from console.views import choices, wording
from storage.workspace import Workspace

PICKS: dict[str, Any] = {
    "question": st.column_config.TextColumn("Question", width="large"),
    "category": st.column_config.TextColumn("Category", width=110),
    "why": st.column_config.TextColumn("Why", width=230),
    "score": st.column_config.TextColumn("Score", width=70, alignment="right"),
    "probability": st.column_config.NumberColumn("Probability of A", format="%.3f", width=110),
    "propensity": st.column_config.NumberColumn("Propensity", format="%.3f", width=80),
}
TARGETS: dict[str, Any] = {
    "category": st.column_config.TextColumn("Category", width=160),
    "target": st.column_config.TextColumn("Target", width=70),
    "accuracy": st.column_config.TextColumn("Preference accuracy", width=200),
    "n": st.column_config.NumberColumn("n", format="localized", width=60),
    "state": st.column_config.TextColumn("State", width=140),
}
DONE: dict[str, Any] = {
    "when": st.column_config.TextColumn("When", width=170),
    "category": st.column_config.TextColumn("Category", width=140),
    "action": st.column_config.TextColumn("Done", width=80),
    "batch": st.column_config.TextColumn("Batch", width=200),
    "links": st.column_config.TextColumn("Links", width=220),
    "why": st.column_config.TextColumn("Measured", width="large"),
}


def draw_choices(workspace: Workspace) -> None:
    known = choices.chosen_batches(workspace)
    if not known:
        widgets.empty(
            "No batch was chosen pair by pair yet",
            "Mining takes the pairs that a checkpoint is unsure about, and some by lot to measure "
            "by. It begins by itself once a round was measured on the audit set.",
            wording.command(workspace.home, "mine", "--batch", "NAME"),
        )
        return
    place, _ = st.columns([2, 5])
    batch = place.selectbox("Batch", known, key="chosen", bind="query-params")
    page = choices.read(workspace, str(batch))
    widgets.quiet(page.summary, key="picks-summary")
    selected = st.query_params.get("pair") or ""
    lists.selectable(
        page.lines, PICKS, parameter="pair", selected=selected, alt="Chosen pairs", most_rows=20
    )
    if selected:
        widgets.to_page("pairs", {"pair": selected})


def draw_targets(workspace: Workspace) -> None:
    page = choices.read_targets(workspace)
    if page.measured:
        widgets.quiet(f"Measured: {page.measured}.", key="measured")
    if page.lines:
        widgets.table(page.lines, TARGETS, alt="Categories against their targets", most_rows=24)
    else:
        st.text("No category has a target, and none was measured on the audit set yet.")
    widgets.quiet(
        "A category is missed when its whole 95% interval lies below the target and at least 50 "
        "pairs were measured. Then the worker makes a batch of its unlabeled pairs, once.",
        key="targets-words",
    )
    draw_form(workspace)
    if page.done:
        st.subheader("Done by itself", anchor=False)
        widgets.table(page.done, DONE, alt="What missed targets led to, the newest first")
        widgets.quiet(
            "Links are prepared for whoever labeled the round's last batch; Batches shows their "
            "addresses, once.",
            key="prepared-words",
        )


def draw_form(workspace: Workspace) -> None:
    name, share, give, back, _ = st.columns([3, 2, 2, 2, 3], vertical_alignment="bottom")
    category = name.text_input("Category", key="target-category")
    target = share.number_input("Target", 0.01, 1.0, 0.8, 0.05, key="target-share")
    missing = not (category or "").strip()
    for place, words, value in ((give, "Set target", target), (back, "Take back", None)):
        place.button(
            words,
            key=f"target-{words}",
            width="stretch",
            disabled=missing,
            on_click=set_target,
            args=(workspace, (category or "").strip(), value),
        )


def set_target(workspace: Workspace, category: str, target: float | None) -> None:
    with entrance.explained():
        choices.set_target(workspace, category, target)
