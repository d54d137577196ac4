"""Excluding a single vote of a pair with a reason, and letting it count again."""

from __future__ import annotations

import streamlit as st

from console import entrance
from console.views import exclusions
from console.views.pair_detail import PairDetail
from console.views.pair_events import VoteLine
from storage.annotators import LONGEST_NAME
from storage.numbered import LONGEST_REASON
from storage.workspace import Workspace


def draw(workspace: Workspace, view: PairDetail) -> None:
    """Behind a button; nothing where no single vote can be left out or brought back."""
    lines = {one.assignment_id: one for one in view.votes if one.can_exclude or one.can_readmit}
    if not lines:
        return
    with st.popover("Exclude a vote"):
        chosen = st.selectbox(
            "Vote", list(lines), format_func=lambda one: named(lines[one]), key="vote-chosen"
        )
        line = lines[chosen]
        if line.why:
            st.text(f"Excluded: {line.why}")
        why, who = st.columns([3, 1])
        reason = why.text_input("Reason", key="vote-reason", max_chars=LONGEST_REASON) or ""
        by = who.text_input(
            "Decided by", exclusions.DEFAULT_LEAD, key="vote-by", max_chars=LONGEST_NAME
        )
        st.button(
            "Exclude this vote" if line.can_exclude else "Let it count again",
            key="vote-exclude",
            disabled=not reason.strip(),
            help="A reason is needed; it is kept. The vote stays on record.",
            on_click=change,
            args=(workspace, line, (by or "").strip(), reason.strip()),
        )


def named(line: VoteLine) -> str:
    return f"{line.annotator}: {line.verdict}, batch {line.batch}"


def change(workspace: Workspace, line: VoteLine, by: str, reason: str) -> None:
    with entrance.explained():
        exclusions.of_vote(workspace, line.assignment_id, by, reason, out=line.can_exclude)
        st.session_state["vote-reason"] = ""
