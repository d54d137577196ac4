"""Rounds: where the loop stands, its next step, and whether more labels still help."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console import charts, entrance, widgets
from console.pieces import chosen_pairs, failure_clusters
from console.views import rounds, wording
from console.views.rounds import ACROSS, RoundsPage
from rounds import opening, steps
from storage.workspace import Workspace
from training.settings.spec import DPOSpec

VIEWS = ("Course", "Failures", "Targets", "Choices")
STATES = {"done": "green", "now": "blue", "later": "gray"}
LINES: dict[str, Any] = {
    "round": st.column_config.NumberColumn("Round", width=50),
    "focus": st.column_config.TextColumn("Focus", width=200),
    "start": st.column_config.TextColumn("From", width=100),
    "decided": st.column_config.NumberColumn("Decided", format="localized", width=60),
    "planned": st.column_config.NumberColumn("Planned", format="localized", width=60),
    "checkpoint": st.column_config.TextColumn("Checkpoint", width=110),
    "accuracy": st.column_config.TextColumn("Preference accuracy", width=160),
    "gain": st.column_config.TextColumn("Points per 1,000 pairs", width=160),
    "gap": st.column_config.TextColumn("Reward gap", width=160),
    "kl": st.column_config.TextColumn("KL per token", width=160),
    "state": st.column_config.TextColumn("Stage", width=70),
}
LEAD = "lead"


def draw(workspace: Workspace, page: RoundsPage) -> None:
    st.subheader(page.title, anchor=False)
    for place, line in zip(st.columns(len(page.stages)), page.stages, strict=True):
        with place, st.container(border=True):
            st.badge(line.name, color=STATES[line.state])
            widgets.quiet(f"{line.state}: {line.figure}", key=f"stage-{line.name}")
    draw_step(workspace, page)
    st.subheader("Do more labels help", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(page.course.verdict.value, color="gray")
        st.text(page.course.advice)
    if page.course.unmeasured:
        names = ", ".join(str(number) for number in page.course.unmeasured)
        widgets.quiet(f"Not measured on the audit set yet: round {names}.", key="unmeasured")
    draw_charts(page)
    st.subheader("All rounds", anchor=False)
    widgets.table(page.lines, LINES, alt="Rounds, the newest first")


def draw_charts(page: RoundsPage) -> None:
    if not page.panels:
        return
    for place, panel in zip(st.columns([2, 1, 1]), page.panels, strict=False):
        with place:
            st.markdown(f"**{panel.title}**")
            st.plotly_chart(
                charts.chart(panel, keep_zoom="rounds", across=ACROSS),
                config=charts.CONFIG,
                alt=charts.alternative(panel, ACROSS),
            )
            widgets.quiet(panel.note, key=f"note-{panel.title}")


def draw_step(workspace: Workspace, page: RoundsPage) -> None:
    words, button = st.columns([6, 2], vertical_alignment="center")
    with words:
        st.text(f"Next: {page.step.told} {page.step.blocked}".strip())
        widgets.copyable(page.command)
        sure = draw_doubt(page) if page.can_take and page.doubt else True
    if page.can_take:
        button.button(
            "Take this step",
            key="take",
            type="primary",
            width="stretch",
            disabled=not sure,
            on_click=take,
            args=(workspace, page),
        )
    elif page.step.stage is None and not page.newest.closed:
        button.button(
            "End the round", key="close", width="stretch", on_click=close, args=(workspace,)
        )
    elif page.newest.closed:
        button.button(
            "Open the next round",
            key="open",
            type="primary",
            width="stretch",
            on_click=open_next,
            args=(workspace,),
        )
    if said := st.session_state.pop("round-said", ""):
        st.text(said)


def draw_doubt(page: RoundsPage) -> bool:
    """Ask whether DPO should begin at a model that nobody has taught to answer."""
    widgets.quiet(f"{page.doubt} Train the stage sft first.", key="doubt")
    return bool(st.checkbox("Start DPO without SFT", key="without-sft"))


def take(workspace: Workspace, page: RoundsPage) -> None:
    with entrance.explained():
        # the button is there only once what speaks against it was confirmed
        taken = steps.take(workspace, page.newest, DPOSpec(), LEAD, without_sft=bool(page.doubt))
        if taken.job is not None:
            st.session_state["round-said"] = (
                f"{wording.job_kind(taken.job.kind).capitalize()} {taken.job.id} is queued; its "
                "progress is on Runs."
            )


def close(workspace: Workspace) -> None:
    with entrance.explained():
        number, checkpoint = opening.close(workspace, LEAD)
        ended = f" with {checkpoint}" if checkpoint else ""
        st.session_state["round-said"] = f"Round {number} has ended{ended}."


def open_next(workspace: Workspace) -> None:
    with entrance.explained():
        found = opening.open_next(workspace, actor=LEAD)
        st.session_state["round-said"] = f"Round {found.number} is open."


def draw_course(workspace: Workspace) -> None:
    page = rounds.read(workspace)
    if page is None:
        widgets.empty(
            "There is no round yet",
            "A round is one turn of the loop: collect, settle, train, measure, choose the next "
            "pairs. Batches given to it, and what is made of them, belong to it.",
            wording.command(workspace.home, "round", "open", "--from", "MODEL"),
        )
        return
    draw(workspace, page)


def main(workspace: Workspace) -> None:
    view = st.segmented_control(
        "View",
        VIEWS,
        default=VIEWS[0],
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == "Failures":
        failure_clusters.draw(workspace)
    elif view == "Targets":
        chosen_pairs.draw_targets(workspace)
    elif view == "Choices":
        chosen_pairs.draw_choices(workspace)
    else:
        draw_course(workspace)


entrance.enter(main)
