"""The way from the console to the bench where a lead settles disputes; nothing while none waits."""

from __future__ import annotations

import streamlit as st

from console import entrance
from console.views import settling, wording
from storage.annotators import LONGEST_NAME
from storage.workspace import Workspace


def draw(workspace: Workspace, batch: str = "") -> None:
    """For the pairs of one batch, or of all."""
    number = settling.waiting(workspace, batch)
    if not number:
        return
    words, who, button, link = st.columns([5, 3, 2, 2], vertical_alignment="bottom")
    where = f"Batch {batch}" if batch else "All batches"
    verb = "waits" if number == 1 else "wait"
    words.text(f"{where}: {wording.count(number, 'pair')} {verb} for a lead.")
    lead = who.text_input("Decide as", settling.DEFAULT_LEAD, key="lead", max_chars=LONGEST_NAME)
    if button.button("Settle disputes", key="settle", width="stretch"):
        with link, entrance.explained():
            address = settling.address(workspace, (lead or "").strip(), batch)
            # made for this click only: the next run of the page does not have it any more
            st.link_button(
                "Open the bench",
                address,
                type="primary",
                width="stretch",
                help=f"Opens once, within {settling.MINUTES} minutes.",
            )
