"""A/B tests on the Checkpoints page: blind comparisons of answers of two or more checkpoints."""

from __future__ import annotations

import streamlit as st

from console import widgets
from console.views import ab_tests, wording
from storage.workspace import Workspace

DUELS = {
    "first": st.column_config.TextColumn("First", width=160),
    "second": st.column_config.TextColumn("Second", width=160),
    "rate": st.column_config.TextColumn("First wins", width=80, alignment="right"),
    "interval": st.column_config.TextColumn("95%, at any time", width=130),
    "n": st.column_config.NumberColumn("Settled", format="localized", width=65),
    "wins": st.column_config.NumberColumn("Won", format="localized", width=55),
    "ties": st.column_config.NumberColumn("Ties", format="localized", width=55),
    "losses": st.column_config.NumberColumn("Lost", format="localized", width=55),
    "open": st.column_config.NumberColumn("Open", format="localized", width=55),
    "alike": st.column_config.NumberColumn("Alike", format="localized", width=55),
    "verdict": st.column_config.TextColumn("So far", width=200),
}
RANKING = {
    "name": st.column_config.TextColumn("Checkpoint", width=200),
    "strength": st.column_config.TextColumn("Strength", width=80, alignment="right"),
    "interval": st.column_config.TextColumn("95%, at one look", width=140),
    "wins": st.column_config.TextColumn("Won", width=60, alignment="right"),
    "n": st.column_config.TextColumn("Settled", width=70, alignment="right"),
}


def draw(workspace: Workspace) -> None:
    """Every two that met, the ranking of more than two, and how to make a test."""
    st.subheader("A/B tests", anchor=False)
    page = ab_tests.prepare(workspace)
    if page is None:
        words = ("sample", "--prompts", "FILE", "--from", "X", "--from", "Y", "--batch", "NAME")
        widgets.step(
            "Let two answer the same prompts; annotators compare them without knowing whose is "
            "whose.",
            wording.command(workspace.home, *words),
            key="no-ab",
        )
        return
    widgets.table(page.duels, DUELS, alt="Checkpoints against each other")
    if page.ranking:
        widgets.table(page.ranking, RANKING, alt="Strengths of the checkpoints")
    for number, note in enumerate(page.notes):
        widgets.quiet(note, key=f"ab-{number}")
