"""Links that wait for their addresses, on the Batches page; nothing while there are none."""

from __future__ import annotations

import streamlit as st

from console import entrance
from console.views import prepared_links
from storage.workspace import Workspace


def draw(workspace: Workspace, batch: str = "") -> None:
    """For one batch, or for all."""
    for waiting in prepared_links.waiting(workspace, batch):
        with st.container(border=True, key=f"prepared-{waiting.batch}"):
            words, button = st.columns([8, 2], vertical_alignment="center")
            words.text(waiting.summary)
            button.button(
                "Show addresses",
                key=f"reveal-{waiting.batch}",
                width="stretch",
                on_click=reveal,
                args=(workspace, waiting.batch),
            )


def reveal(workspace: Workspace, batch: str) -> None:
    """The addresses join those of new links, which the page shows until they are put away."""
    with entrance.explained():
        new = prepared_links.reveal(workspace, batch)
        st.session_state["minted"] = [*new, *st.session_state.get("minted", [])]
