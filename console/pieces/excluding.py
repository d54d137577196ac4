"""Excluding an annotator in two clicks and with a reason, taking it back, and who did so before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from console import entrance, widgets
from console.views import exclusions
from console.views.annotators import Detail
from storage.annotators import LONGEST_NAME
from storage.numbered import LONGEST_REASON
from storage.workspace import Workspace

EVENTS: dict[str, Any] = {
    "when": st.column_config.TextColumn("When", width=140),
    "what": st.column_config.TextColumn("What", width=160),
    "where": st.column_config.TextColumn("Where", width=120),
    "by": st.column_config.TextColumn("By", width=100),
    "reason": st.column_config.TextColumn("Reason", width="large"),
}


def draw(workspace: Workspace, found: Detail, batch: str, refresh: Callable[[], None]) -> None:
    """For the annotator of the page, in one batch or (empty) in all.

    Args:
        refresh: called after a change, so that the figures are counted again.
    """
    with st.container(border=True, key="exclusion"):
        st.text(found.standing)
        if found.can_exclude or found.can_readmit:
            draw_buttons(workspace, found, batch, refresh)
    if found.events:
        widgets.table(found.events, EVENTS, alt=f"Exclusions of {found.name}")


def draw_buttons(
    workspace: Workspace, found: Detail, batch: str, refresh: Callable[[], None]
) -> None:
    """Two clicks; columns have their places before, so that no button moves under the cursor."""
    verb = "Exclude" if found.can_exclude else "Readmit"
    why, who, confirm, last = st.columns([5, 2, 2, 2], vertical_alignment="bottom")
    if st.session_state.get("excluding") != found.name:
        about = "They count again from then on."
        if found.can_exclude:
            about = "Excluded votes stay on record; no figure and no new version rests on them."
        with why:
            widgets.quiet(about, key="excluding")
        last.button(verb, key="exclude-ask", width="stretch", on_click=ask, args=(found.name,))
        return
    reason = why.text_input("Reason", key="exclude-reason", max_chars=LONGEST_REASON)
    by = who.text_input(
        "Decided by", exclusions.DEFAULT_LEAD, key="exclude-by", max_chars=LONGEST_NAME
    )
    confirm.button(
        f"{verb} {found.name}",
        key="confirm",
        type="primary",
        width="stretch",
        disabled=not (reason or "").strip(),
        help="A reason is needed; it is kept.",
        on_click=change,
        args=(workspace, found, batch, (by or "").strip(), (reason or "").strip(), refresh),
    )
    last.button("Change nothing", key="keep", width="stretch", on_click=keep)


def ask(name: str) -> None:
    """The first of two clicks."""
    st.session_state["excluding"] = name


def keep() -> None:
    st.session_state.pop("excluding", None)


def change(
    workspace: Workspace,
    found: Detail,
    batch: str,
    by: str,
    reason: str,
    refresh: Callable[[], None],
) -> None:
    """The second click: exclude, or readmit who is excluded here."""
    keep()
    do = exclusions.exclude if found.can_exclude else exclusions.readmit
    with entrance.explained():
        do(workspace, found.name, batch, by, reason)
    refresh()
