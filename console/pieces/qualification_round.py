"""Who passed the qualification round of a batch; a lead lets in who did not, or lets them retry."""

from __future__ import annotations

import streamlit as st

from console import entrance, widgets
from console.views import qualification
from console.views.qualification import PersonLine
from storage.qualifications import Decision
from storage.workspace import Workspace

PEOPLE = {
    "annotator": st.column_config.TextColumn("Annotator", width="medium"),
    "batch": st.column_config.TextColumn("Batch", width="medium"),
    "outcome": st.column_config.TextColumn("Qualification", width="small"),
    "share": st.column_config.TextColumn("Right", width="small"),
    "needed": st.column_config.TextColumn("Needed", width="small"),
}


def draw(workspace: Workspace, batch: str) -> None:
    """The round of one batch, or of all; nothing where nobody began one."""
    lines = qualification.people(workspace, batch)
    if not lines:
        return
    st.subheader("Qualification", anchor=False)
    widgets.table(lines, PEOPLE, alt="Annotators in qualification rounds")
    waiting = [line for line in lines if line.waits]
    if waiting:
        _draw_decision(workspace, waiting)


def _draw_decision(workspace: Workspace, waiting: list[PersonLine]) -> None:
    who, again, let_in, _ = st.columns([4, 2, 2, 4], vertical_alignment="bottom")
    chosen = who.selectbox(
        "Did not pass",
        range(len(waiting)),
        format_func=lambda place: f"{waiting[place].annotator}, batch {waiting[place].batch}",
        key="not-passed",
    )
    line = waiting[chosen or 0]
    for spot, words, decision in (
        (again, "Let try again", Decision.RETRY),
        (let_in, "Let in", Decision.ADMIT),
    ):
        spot.button(
            words,
            key=f"qualification-{decision.value}",
            width="stretch",
            on_click=_decide,
            args=(workspace, line, decision),
        )


def _decide(workspace: Workspace, line: PersonLine, decision: Decision) -> None:
    with entrance.explained():
        qualification.decide(workspace, line.batch, line.annotator, decision)
