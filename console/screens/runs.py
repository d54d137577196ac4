"""Runs: every job, and the selected one live: curves, figures, settings, log, Stop."""

from __future__ import annotations

import streamlit as st

from console import charts, entrance, widgets
from console.pieces import lists
from console.views import losses, runs, wording
from console.views.curves import Panel
from console.views.runs import RunDetail, RunsList
from storage.workspace import Workspace

RUNS = {
    "state": st.column_config.TextColumn("State", width="small"),
    "id": st.column_config.TextColumn("Job", width="small"),
    "name": st.column_config.TextColumn("Name", width="medium"),
    "kind": st.column_config.TextColumn("Kind", width="small"),
    "percent": st.column_config.ProgressColumn(
        "Progress", format="%d%%", max_value=100, width="small"
    ),
    "progress": st.column_config.TextColumn("Now", width="medium"),
    "model": st.column_config.TextColumn("From", width="small"),
    "dataset": st.column_config.TextColumn("Dataset", width="small"),
    "started": st.column_config.TextColumn("Started", width="medium"),
    "took": st.column_config.TextColumn("Took", width="small"),
}
FIGURES = {
    "figure": st.column_config.TextColumn("Figure", width="medium"),
    "value": st.column_config.TextColumn("Value", width="medium"),
    "interval": st.column_config.TextColumn("95% interval", width="small"),
    "before": st.column_config.TextColumn("Before training", width="small"),
    "n": st.column_config.TextColumn("n", width="small"),
    "labels": st.column_config.TextColumn("Labels", width="small"),
    "reference": st.column_config.TextColumn("Reference", width="small"),
    "meaning": st.column_config.TextColumn("What it says", width="large"),
}
ATTEMPTS = {
    "attempt": "Attempt",
    "worker": "Worker",
    "started": "Started",
    "took": "Took",
    "outcome": "Outcome",
}
# kinds of jobs that report figures
MEASURED = ("training", "evaluation")
STATES = {"succeeded": "green", "failed": "red", "cancelled": "gray"}
MOST_ROWS = 8
# how often the page looks again while something runs, and while nothing does
BUSY = "2s"
IDLE = "10s"


def draw_detail(workspace: Workspace, view: RunDetail) -> None:
    draw_head(workspace, view)
    if view.error:
        st.text(view.error)
    for number, note in enumerate(view.notes):
        widgets.quiet(note, key=f"note-{number}")
    if view.command:
        widgets.step(view.hint, view.command, key="hint")
    elif view.hint:
        widgets.quiet(view.hint, key="hint")
    if view.checkpoint:
        with st.container(horizontal=True):
            # without anything held out it has no rewards yet
            for page in ("checkpoints", "rewards") if view.figures else ("checkpoints",):
                widgets.to_page(page, {"checkpoint": view.checkpoint})
    for number, (sentence, link) in enumerate(view.published):
        widgets.step(sentence, link, key=f"published-{number}")
    if view.panels:
        draw_panels(view)
    draw_tables(workspace, view)


def draw_head(workspace: Workspace, view: RunDetail) -> None:
    """What is shown, and Stop. Columns have their places before their content arrives, so that no
    button moves under the cursor."""
    line = view.line
    what, hint, confirm, last = st.columns([6, 3, 1.2, 1.2], vertical_alignment="center")
    with what.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(line.state, color=STATES.get(line.state, "primary"))
        st.text(f"{line.kind.capitalize()} {line.name or line.id}")
    if view.can_stop and st.session_state.get("stopping") == line.id:
        hint.text("It ends at the next safe point and is not taken up again.")
        confirm.button(
            "Stop this run",
            key="confirm",
            type="primary",
            width="stretch",
            on_click=stop,
            args=(workspace, line.id),
        )
        last.button("Keep it running", key="keep", width="stretch", on_click=keep)
    elif view.can_stop:
        last.button("Stop", key="stop", width="stretch", on_click=ask, args=(line.id,))
    elif line.took:
        hint.text(f"took {line.took}")


def ask(run: str) -> None:
    """The first of two clicks."""
    st.session_state["stopping"] = run


def keep() -> None:
    st.session_state.pop("stopping", None)


def stop(workspace: Workspace, run: str) -> None:
    st.session_state.pop("stopping", None)
    with entrance.explained():
        runs.stop(workspace, run)


def draw_panels(view: RunDetail) -> None:
    for start in range(0, len(view.panels), 3):
        row = view.panels[start : start + 3]
        for place, panel in zip(st.columns(3), row, strict=False):
            with place.container(border=True, height="stretch", gap="xsmall"):
                draw_panel(panel, view.line.id)
        if start == 0:
            draw_guide(view.losses)


def draw_guide(said: str) -> None:
    """Under the losses: what those of this run do, and how to read them in general."""
    words, guide = st.columns([4, 1], vertical_alignment="center")
    if said:
        with words:
            st.text(said)
    with guide.popover("How to read the losses", width="stretch"):
        for number, (seen, meaning) in enumerate(losses.GUIDE):
            st.markdown(f"**{seen}**")
            widgets.quiet(meaning, key=f"guide-{number}")
        widgets.quiet(losses.START, key="guide-start")


def draw_panel(panel: Panel, run: str) -> None:
    unit = f" ({panel.unit})" if panel.unit not in ("share", "") else ""
    st.markdown(f"**{panel.title}**{unit}")
    if panel.is_empty:
        st.text("No value has been reported yet.")
    else:
        st.plotly_chart(
            charts.chart(panel, keep_zoom=run),
            key=f"chart-{panel.title}",
            config=charts.CONFIG,
            alt=charts.alternative(panel),
        )
    if panel.note:
        widgets.quiet(panel.note, key=f"note-{panel.title}")


def draw_tables(workspace: Workspace, view: RunDetail) -> None:
    figures, settings, log, attempts = st.tabs(
        ["Figures", "Settings", "Log", "Attempts"], key="tabs"
    )
    with figures:
        if view.figures:
            widgets.quiet(f"Held-out figures of {view.figures_of}", key="figures")
            widgets.table(view.figures, FIGURES, alt="Figures with interval, n and labels")
        else:
            what = f"{view.line.kind.capitalize()} reports no figures."
            expected = not view.is_final or view.line.kind in MEASURED
            widgets.quiet("No figure has been reported." if expected else what, key="figures")
    with settings:
        rows = {"setting": [k for k, _ in view.settings], "value": [v for _, v in view.settings]}
        st.dataframe(rows, hide_index=True, row_height=widgets.ROW_HEIGHT, alt="Settings used")
    with log:
        draw_log(workspace, view)
    with attempts:
        if view.attempts:
            widgets.table(view.attempts, ATTEMPTS, alt="Attempts at this job")
        else:
            widgets.quiet("No worker has taken it yet.", key="attempts")


def live_list(workspace: Workspace, drawn: RunsList, view: RunDetail) -> None:
    """The list is drawn again and again; the rest of the page only when its run has changed."""
    chosen = st.query_params.get("run")
    selected = view.line.id

    def refresh() -> None:
        with entrance.explained():
            found = runs.listed(workspace)
            picked = st.query_params.get("run")
            if picked != chosen or found.active != drawn.active:
                draw_anew(picked or selected)
            if runs.moved_on(workspace, view.mark):
                draw_anew(selected)
            lists.selectable(
                found.lines,
                RUNS,
                parameter="run",
                selected=selected,
                alt="Runs, the newest first",
                most_rows=MOST_ROWS,
            )
            if found.active and not found.workers:
                widgets.step(
                    "No worker is running: nothing goes on without one.",
                    wording.command(workspace.home, "up"),
                    key="idle",
                )

    st.fragment(refresh, run_every=BUSY if drawn.active else IDLE)()


def draw_log(workspace: Workspace, view: RunDetail) -> None:
    def refresh() -> None:
        text = runs.log(workspace, view.line.id) or "The log is empty."
        st.code(text, language=None, height=320, wrap_lines=True)

    st.fragment(refresh, run_every=None if view.is_final else BUSY)()


def draw_anew(selected: str) -> None:
    """Run the whole page again and stay with the same run, also when the URL names none."""
    st.session_state["stay"] = selected
    st.rerun()


def main(workspace: Workspace) -> None:
    found = runs.listed(workspace)
    if not found.lines:
        widgets.empty(
            "There are no runs yet",
            "A run trains a model on a dataset version, measures one, or draws answers from it.",
            wording.command(workspace.home, "train", "--dataset", "V", "--from", "MODEL"),
            page="train",
        )
        return
    stay = st.session_state.pop("stay", "")
    selected = st.query_params.get("run") or stay or found.foremost
    view = runs.detail(workspace, selected)
    live_list(workspace, found, view)
    draw_detail(workspace, view)


entrance.enter(main)
