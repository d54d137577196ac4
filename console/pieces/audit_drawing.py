"""The audit set of the Datasets page: what is kept from training, drawing it, releasing a draw."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console import entrance, widgets
from console.views import audit as views
from console.views.audit import AuditPage
from console.views.datasets import Versions
from rounds import audit
from storage.annotators import LONGEST_NAME
from storage.numbered import LONGEST_REASON
from storage.workspace import Workspace

DRAWS: dict[str, Any] = {
    "draw": st.column_config.NumberColumn("Draw", width=50),
    "pairs": st.column_config.NumberColumn("Pairs", format="localized", width=60),
    "batch": st.column_config.TextColumn("From batch", width=140),
    "seed": st.column_config.NumberColumn("Seed", width=50),
    "state": st.column_config.TextColumn("State", width=130),
    "by": st.column_config.TextColumn("By", width=100),
    "reason": st.column_config.TextColumn("Reason", width="large"),
    "drawn": st.column_config.TextColumn("Drawn", width=170),
}


def draw(workspace: Workspace, there: Versions) -> None:
    page = views.read(workspace)
    st.text(page.summary)
    if page.lines:
        widgets.table(page.lines, DRAWS, alt="Draws of the audit set")
        widgets.step("A version that measures on it:", page.build, key="audit-build")
    draw_form(workspace, there, page)
    if page.standing:
        draw_release(workspace, page)


def draw_form(workspace: Workspace, there: Versions, page: AuditPage) -> None:
    st.subheader("Draw", anchor=False)
    widgets.quiet(
        "Pairs are drawn uniformly from those that never trained, with all that share a picture "
        "with them, and are labeled as any other. Draw before the first training. From 500 on, "
        "rounds can be told apart.",
        key="audit-words",
    )
    size, batch, seed, button = st.columns([2, 3, 2, 2], vertical_alignment="bottom")
    wanted = size.number_input("Pairs", 1, None, views.DEFAULT_SIZE, 100, key="audit-size")
    within = batch.selectbox(
        "From batch", there.batches, index=None, placeholder="all batches", key="audit-batch"
    )
    number = seed.number_input("Seed", 0, 2**31 - 1, 0, 1, key="audit-seed")
    button.button(
        "Draw",
        key="audit-draw",
        type="primary",
        width="stretch",
        on_click=draw_pairs,
        args=(workspace, int(wanted or views.DEFAULT_SIZE), within, int(number or 0)),
    )
    if said := st.session_state.pop("audit-said", ""):
        st.text(said)
    widgets.step("The same as a command:", page.draw, key="audit-command")


def draw_pairs(workspace: Workspace, size: int, batch: str | None, seed: int) -> None:
    with entrance.explained():
        found = audit.draw(workspace, size=size, batch=batch, seed=seed, actor=views.DEFAULT_LEAD)
        st.session_state["audit-said"] = views.sentence(found)


def draw_release(workspace: Workspace, page: AuditPage) -> None:
    with st.expander("Take a draw back"):
        widgets.quiet(
            "Its pairs may train from then on. Versions and figures made with it stay as they are.",
            key="release-words",
        )
        which, why, who, button = st.columns([2, 5, 2, 2], vertical_alignment="bottom")
        number = which.selectbox("Draw", page.standing, key="release-draw")
        reason = why.text_input("Reason", key="release-reason", max_chars=LONGEST_REASON)
        by = who.text_input(
            "Decided by", views.DEFAULT_LEAD, key="release-by", max_chars=LONGEST_NAME
        )
        button.button(
            "Release",
            key="release",
            width="stretch",
            disabled=not (reason or "").strip(),
            help="A reason is needed; it is kept.",
            on_click=release,
            args=(workspace, int(number or 0), (by or "").strip(), (reason or "").strip()),
        )


def release(workspace: Workspace, number: int, by: str, reason: str) -> None:
    with entrance.explained():
        views.release(workspace, number, by, reason)
