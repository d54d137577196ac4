"""Pictures without answers, on the Import page: a model answers questions about them first."""

from __future__ import annotations

import streamlit as st

from console import entrance, widgets
from console.views import preparing, train
from console.views.preparing import Tried, Wanted
from storage.workspace import Workspace

BROKEN = {
    "name": st.column_config.TextColumn("File", width="medium"),
    "reason": st.column_config.TextColumn("Why it cannot be used", width="large"),
}


def draw(workspace: Workspace) -> None:
    """The form, folded away at first; then what would be asked, and the button that queues it."""
    with st.expander("Pictures without answers: let a model give them", key="preparing"):
        wanted = form(workspace)
        button, words = st.columns([2, 10], vertical_alignment="center")
        clicked = button.button("Look at the pictures", key="prepare-check", width="stretch")
        place = words.empty()
        if clicked and not wanted.lacks:
            st.session_state.pop("prepared-job", None)
            st.session_state.pop("prepared", None)
            with entrance.explained():
                bar = place.progress(0.0)
                st.session_state["prepared"] = preparing.check(
                    workspace, wanted, lambda done, total: bar.progress(done / max(1, total))
                )
        with place.container():
            widgets.quiet(wanted.lacks or "Looking changes nothing.", key="prepare-words")
        tried: Tried | None = st.session_state.get("prepared")
        # what was looked at with other inputs says nothing about these
        if tried is not None and tried.wanted == wanted:
            draw_tried(workspace, tried)


def form(workspace: Workspace) -> Wanted:
    folder, model, batch, number = st.columns([4, 3, 3, 2])
    picked = folder.text_input(
        "Folder of pictures", key="prepare-folder", placeholder="on this machine", max_chars=1000
    )
    start = model.selectbox(
        "Answered by",
        list(train.offers(workspace).starts),
        index=None,
        key="prepare-model",
        accept_new_options=True,
        placeholder="a model or checkpoint",
    )
    name = batch.text_input(
        "Batch of the pairs", key="prepare-batch", placeholder="made when new", max_chars=200
    )
    each = number.number_input(
        "Questions each",
        min_value=0,
        value=0,
        key="prepare-each",
        help="Drawn for every picture; 0 asks all of them.",
    )
    questions = st.text_area(
        "Questions, one a line",
        key="prepare-questions",
        placeholder="counting: How many people are there?",
        help="A word and a colon before a question give its category.",
        max_chars=100_000,
        height=120,
    )
    return Wanted(picked or "", questions or "", start or "", name or "", int(each))


def draw_tried(workspace: Workspace, tried: Tried) -> None:
    st.text(tried.summary)
    button, words = st.columns([2, 10], vertical_alignment="center")
    if button.button("Let it answer", key="prepare-queue", type="primary", width="stretch"):
        with entrance.explained():
            st.session_state["prepared-job"] = preparing.queue(workspace, tried)
    job = st.session_state.get("prepared-job")
    with words:
        if job:
            widgets.to_page("runs", {"run": job})
        else:
            widgets.quiet("Answers that differ become pairs. Runs shows progress.", key="queue")
    if tried.broken:
        widgets.table(tried.broken, BROKEN, alt="Files that cannot be used", most_rows=6)
    for place, prompt in zip(st.columns(preparing.MOST_SHOWN), tried.first, strict=False):
        show = place.video if prompt.is_video else place.image
        show(str(prompt.file), width="stretch")
        place.text(prompt.text)
        if prompt.category:
            place.badge(prompt.category, color="gray")
    widgets.step("The same with a file of questions:", tried.command, key="prepare-command")
