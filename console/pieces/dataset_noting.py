"""The note on a dataset version: what it says, who wrote it, and a form to write another one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console import entrance, widgets
from console.views import dataset_notes
from console.views.datasets import VersionDetail
from storage.annotators import LONGEST_NAME
from storage.dataset_notes import LONGEST
from storage.workspace import Workspace

NOTES: dict[str, Any] = {
    "when": st.column_config.TextColumn("When", width=150),
    "by": st.column_config.TextColumn("By", width=90),
    "text": st.column_config.TextColumn("Note", width="large"),
}
MOST_NOTES = 6


def draw(workspace: Workspace, view: VersionDetail) -> None:
    """Notes are about a version and change nothing in it."""
    said = view.line.note
    if said:
        st.text(said)
        widgets.quiet(dataset_notes.signed(view.notes[0]), key="note-signed")
    with st.expander("Change the note" if said else "Write a note"):
        text = st.text_area(
            "Note", said, key=f"note-{view.line.id}-{len(view.notes)}", max_chars=LONGEST
        )
        who, button = st.columns([2, 1], vertical_alignment="bottom")
        by = who.text_input("By", "lead", key="note-by", max_chars=LONGEST_NAME)
        if button.button("Save", key="note-save", width="stretch") and text.strip() != said:
            with entrance.explained():
                dataset_notes.write(workspace, view.line.id, text, by)
                st.rerun()
        if view.notes:
            widgets.table(
                dataset_notes.lines(view.notes),
                NOTES,
                alt="All notes on this version, the newest first",
                most_rows=MOST_NOTES,
            )


def draw_new() -> None:
    """The note that a version gets when it is built."""
    st.text_area("Note", key="new-note", max_chars=LONGEST, height=68)
    st.text_input("Note by", "lead", key="new-note-by", max_chars=LONGEST_NAME)


def write_new(workspace: Workspace, version_id: str) -> None:
    """Write what stands in the form of `draw_new`, if anything."""
    said = str(st.session_state.get("new-note") or "")
    if said.strip():
        by = str(st.session_state.get("new-note-by") or "")
        dataset_notes.write(workspace, version_id, said, by)
