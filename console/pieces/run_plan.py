"""The measured plan on the Train page: asked for by a button, shown until the choices change."""

from __future__ import annotations

import streamlit as st

from console import entrance, widgets
from console.views import planning
from console.views.train import RunPlan
from storage.workspace import Workspace
from training.runs import planner
from training.runs.plan import Plan


def draw(workspace: Workspace, wanted: RunPlan) -> None:
    button, words = st.columns([1, 5], vertical_alignment="center")
    asked = button.button("Measure a plan", key="measure", width="stretch")
    with words:
        widgets.quiet(
            "Tries one step on the longest pairs and says lengths, memory, hours and money.",
            key="measure-words",
        )
    if asked:
        with st.spinner("Measuring one step on this machine"), entrance.explained():
            measured = planner.make(
                workspace, dataset=wanted.dataset, start_from=wanted.start, spec=wanted.spec
            )
            st.session_state["measured"] = (wanted.command, measured)
    command, found = st.session_state.get("measured", ("", None))
    if found is not None and command == wanted.command:
        draw_measured(found)


def draw_measured(plan: Plan) -> None:
    for number, sentence in enumerate(planning.sentences(plan)):
        widgets.quiet(sentence, key=f"measured-{number}")
    widgets.table(planning.machine_lines(plan), planning.HEADINGS, alt="Hours and cost by machine")
    better = planning.better_batch(plan)
    if better is not None:
        st.button(f"Use batch_size {better}", key="use-batch", on_click=use, args=(plan, better))


def use(plan: Plan, batch: int) -> None:
    """Put the batch that fits into the form, with the same pairs an update."""
    st.session_state["batch_size"] = batch
    st.session_state["gradient_accumulation_steps"] = str(plan.batches.together // batch)
