"""One pair on the Pairs page: its content, votes, history and use."""

from __future__ import annotations

import streamlit as st

from console import widgets
from console.pieces import prompts, vote_excluding
from console.views import pair_detail, wording
from console.views.pair_detail import Answer, PairDetail
from storage.errors import DamagedError, NotFoundError
from storage.workspace import Workspace

VOTES = {
    "annotator": "Annotator",
    "verdict": "Verdict",
    "shown": "Shown",
    "batch": "Batch",
    "when": "When",
    "counts": "Counts",
}
HISTORY = {
    "when": st.column_config.TextColumn("When", width=150),
    "annotator": st.column_config.TextColumn("Who", width=90),
    "what": st.column_config.TextColumn("What", width=190),
    "said": st.column_config.TextColumn("Said with it", width="medium"),
    "batch": st.column_config.TextColumn("Batch", width=80),
}
REWARDS = {
    "source": st.column_config.TextColumn("Who", width=140),
    "margin": st.column_config.TextColumn("Margin", width=70),
    "chosen": st.column_config.TextColumn("Reward of chosen", width=110),
    "rejected": st.column_config.TextColumn("Reward of rejected", width=115),
    "measured_on": st.column_config.TextColumn("Measured on", width=90),
    "reference": st.column_config.TextColumn("Reference", width=90),
}
BADGES = {"chosen": "blue", "rejected": "orange"}


def draw(workspace: Workspace, pair_id: str) -> None:
    """Everything that is recorded about a pair."""
    try:
        view = pair_detail.detail(workspace, pair_id)
    except (NotFoundError, DamagedError) as error:
        widgets.trouble(error)
        return
    widgets.quiet(f"Pair {view.id[:12]} · {view.category} · {view.consensus}", key="head")
    if view.marks:
        widgets.quiet(view.marks, key="marks")
    prompts.draw(workspace, view.turns, view.media, view.names)
    left, right = st.columns(2, gap="medium")
    for place, answer in zip((left, right), view.answers, strict=True):
        with place:
            draw_answer(answer)
    with st.expander("Words that differ, from A to B"):
        st.text(view.difference)
    draw_votes(workspace, view)
    draw_history(view)
    draw_use(view)


def draw_answer(answer: Answer) -> None:
    with st.container(key=f"answer-{answer.standing or 'open'}-{answer.name}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Answer {answer.name}**", width="content")
            if answer.standing:
                st.badge(answer.standing, color=BADGES[answer.standing])
        st.text(answer.text)
        widgets.quiet("from " + ", ".join(answer.sources), key=f"source-{answer.name}")


def draw_votes(workspace: Workspace, view: PairDetail) -> None:
    st.subheader("Votes", anchor=False)
    if view.votes:
        widgets.table(view.votes, VOTES, alt="Votes on this pair")
        vote_excluding.draw(workspace, view)
    else:
        widgets.quiet("Nobody has voted on this pair.", key="no-votes")
    for number, decision in enumerate(view.decisions):
        widgets.quiet(decision, key=f"decision-{number}")
    for number, label in enumerate(view.imported):
        widgets.quiet(label, key=f"label-{number}")


def draw_history(view: PairDetail) -> None:
    if not view.history:
        return
    title = f"History: {wording.count(len(view.history), 'event')}"
    with st.expander(title, key="history"):
        widgets.table(view.history, HISTORY, alt="Everything that was said about this pair")


def draw_use(view: PairDetail) -> None:
    """What models make of the pair, and which datasets have it."""
    st.subheader("Checkpoints and datasets", anchor=False)
    if view.rewards:
        widgets.table(view.rewards, REWARDS, alt="What each checkpoint makes of this pair")
    else:
        widgets.quiet("No checkpoint was measured on this pair.", key="no-rewards")
    used = ", ".join(view.used)
    widgets.quiet(f"Dataset versions with it: {used or 'none'}.", key="used")
