"""Models as judges on the Agreement page: each against what the experts settled."""

from __future__ import annotations

import streamlit as st

from console import widgets
from console.views import judged
from storage.workspace import Workspace

JUDGES = {
    "judge": st.column_config.TextColumn("Judge", width=180),
    "version": st.column_config.TextColumn("Told", width=80),
    "judged": st.column_config.TextColumn("Pairs", width=60, alignment="right"),
    "consistency": st.column_config.TextColumn("Same in both orders (95%)", width=190),
    "with_ties": st.column_config.TextColumn("Kappa with experts (95%)", width=190),
    "without_ties": st.column_config.TextColumn("Without ties (95%)", width=190),
    "note": st.column_config.TextColumn("Note", width=180),
}


def draw(workspace: Workspace, batch: str) -> None:
    """Nothing where no model has judged a pair of the batch, or any pair."""
    lines = judged.lines(workspace, batch)
    if not lines:
        return
    st.subheader("Models as judges", anchor=False)
    widgets.table(lines, JUDGES, alt="Models as judges against the experts")
    widgets.quiet(judged.ABOUT, key="about-judges")
