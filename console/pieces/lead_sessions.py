"""Who has the bench of a lead open, and how to close it; nothing while nobody has."""

from __future__ import annotations

import streamlit as st

from console import entrance
from console.views import lead_sessions, wording
from console.views.lead_sessions import OpenBench
from storage.workspace import Workspace


def draw(workspace: Workspace, batch: str = "") -> None:
    """For one batch, or for all."""
    found = lead_sessions.running(workspace, batch)
    if not found:
        return
    st.subheader("Leads at the bench", anchor=False)
    with st.container(border=True):
        for one in found:
            draw_one(workspace, one)


def draw_one(workspace: Workspace, one: OpenBench) -> None:
    """Two clicks. Columns have their places before, so that no button moves under the cursor."""
    words, confirm, last = st.columns([8, 2, 2], vertical_alignment="center")
    since, until = wording.stamp(one.opened_at), wording.stamp(one.expires_at)
    words.text(f"{one.lead}, {one.batch}: opened {since}, works until {until}.")
    if st.session_state.get("closing") != one.id:
        last.button("Revoke", key=f"close-{one.id}", width="stretch", on_click=ask, args=(one.id,))
        return
    confirm.button(
        "Close this browser",
        key=f"confirm-{one.id}",
        type="primary",
        width="stretch",
        on_click=close,
        args=(workspace, one.id),
    )
    last.button("Keep it", key=f"keep-{one.id}", width="stretch", on_click=keep)


def ask(browser: str) -> None:
    """The first of two clicks."""
    st.session_state["closing"] = browser


def keep() -> None:
    st.session_state.pop("closing", None)


def close(workspace: Workspace, browser: str) -> None:
    st.session_state.pop("closing", None)
    with entrance.explained():
        lead_sessions.revoke(workspace, browser)
