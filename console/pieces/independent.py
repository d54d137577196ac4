"""Independent results on the Checkpoints page: beside a checkpoint's own figures."""

from __future__ import annotations

import streamlit as st

from console import widgets
from console.views import independent, wording
from console.views.independent import Shown
from storage.workspace import Workspace

LINES = {
    "benchmark": st.column_config.TextColumn("Benchmark", width=120),
    "figure": st.column_config.TextColumn("Figure", width=140),
    "value": st.column_config.TextColumn("Value", width=80, alignment="right"),
    "interval": st.column_config.TextColumn("95% interval", width=120),
    "n": st.column_config.TextColumn("n", width=60, alignment="right"),
    "kind": st.column_config.TextColumn("Measured", width=80),
    "made": st.column_config.TextColumn("On", width=140),
    "source": st.column_config.TextColumn("From", width="medium"),
}


def draw(workspace: Workspace, name: str, shown: Shown) -> None:
    """The newest result of every benchmark, or how to get the first."""
    draw_warnings(shown, "independent")
    if shown.lines:
        widgets.table(shown.lines, LINES, alt="What others' questions say of the checkpoint")
        for number, sentence in enumerate(filter(None, map(independent.left_out, shown.results))):
            widgets.quiet(sentence, key=f"left-out-{number}")
    words = ("--files", "DIR", "--pictures", "DIR", "--checkpoint", name)
    widgets.step(
        "Measure it with questions and labels of others, from local copies of their files.",
        wording.command(workspace.home, "benchmark", "run", "pope", *words),
        key="benchmark",
    )


def draw_warnings(shown: Shown, where: str) -> None:
    """What to know before the checkpoint goes into the world."""
    for number, sentence in enumerate(shown.warnings):
        widgets.quiet(sentence, key=f"warning-{where}-{number}")
