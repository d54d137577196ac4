"""Rewards: how one checkpoint rates the chosen and the rejected answers of a dataset version."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from console import charts, entrance, histograms, widgets
from console.views import reliability, rewards, wording
from console.views.distributions import Distribution
from console.views.rewards import Choice, Rewards
from storage.workspace import Workspace

CATEGORIES = {
    "category": st.column_config.TextColumn("Category", width="medium"),
    "n": st.column_config.TextColumn("n", width="small"),
    "preference": st.column_config.TextColumn("Preference accuracy", width="small"),
    "preference_interval": st.column_config.TextColumn("95% interval", width="small"),
    "reward": st.column_config.TextColumn("Reward accuracy", width="small"),
    "reward_interval": st.column_config.TextColumn("95% interval", width="small"),
    "gap": st.column_config.TextColumn("Reward gap", width="small"),
    "difference": st.column_config.TextColumn("Log-probability difference, nats", width="medium"),
}
FIGURES = {
    "figure": st.column_config.TextColumn("Figure", width="medium"),
    "value": st.column_config.TextColumn("Value", width="medium"),
    "interval": st.column_config.TextColumn("95% interval", width="small"),
    "before": st.column_config.TextColumn("Before", width="small"),
    "n": st.column_config.TextColumn("n", width="small"),
    "labels": st.column_config.TextColumn("Labels", width="small"),
    "reference": st.column_config.TextColumn("Reference", width="small"),
    "meaning": st.column_config.TextColumn("What it says", width="large"),
}


def choose(known: Sequence[Choice]) -> Choice:
    """Checkpoint and split, both in the URL; the newest measurement comes first."""
    place, other, _ = st.columns([2, 2, 4])
    names = list(dict.fromkeys(choice.checkpoint for choice in known))
    name = place.selectbox("Checkpoint", names, key="checkpoint", bind="query-params")
    splits = [choice.split for choice in known if choice.checkpoint == name]
    split = other.selectbox("Measured on", splits, key="split", bind="query-params")
    wanted = [one for one in known if (one.checkpoint, one.split) == (name, split)]
    return wanted[0]


def draw(view: Rewards, choice: Choice) -> None:
    widgets.quiet(view.about, key="about")
    if view.n < view.rows:
        widgets.quiet(
            f"{wording.count(view.rows - view.n, 'pair')} could not be measured; the notes of the "
            "job on Runs say why.",
            key="left-out",
        )
    panels = (
        (view.rewards, view.reward_note),
        (view.margins, view.margin_note),
        (view.differences, view.difference_note),
    )
    for place, (drawn, note) in zip(st.columns(3), panels, strict=True):
        with place:
            draw_panel(drawn, note, choice.job)
    widgets.quiet(
        "Dashed lines are means. Implicit rewards are measured against a reference: those of two "
        "checkpoints compare only when both have the same reference and beta.",
        key="compare",
    )
    draw_calibration(view, choice.job)
    st.subheader("By category", anchor=False)
    widgets.table(view.categories, CATEGORIES, alt="Accuracies and gaps by category", most_rows=20)
    st.subheader("Figures of this measurement", anchor=False)
    widgets.table(view.figures, FIGURES, alt="Figures with interval, n and labels")


def draw_panel(drawn: Distribution, note: str, job: str) -> None:
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.markdown(f"**{drawn.title}**")
        st.plotly_chart(
            histograms.histogram(drawn, keep_zoom=job),
            key=f"chart-{drawn.title}",
            config=charts.CONFIG,
            alt=histograms.alternative(drawn),
        )
        widgets.quiet(" ".join(filter(None, (note, drawn.note))), key=f"note-{drawn.title}")


def draw_calibration(view: Rewards, job: str) -> None:
    """How sure the checkpoint may be, and what its accuracies stand beside."""
    chart, words = st.columns([1, 2])
    with chart.container(border=True, gap="xsmall"):
        st.markdown(f"**{view.calibration.title}**")
        drawn = charts.chart(view.calibration, keep_zoom=job, across="confidence")
        drawn.update_xaxes(range=[reliability.LOWEST - 0.02, reliability.HIGHEST + 0.02])
        st.plotly_chart(
            drawn,
            key="chart-calibration",
            config=charts.CONFIG,
            alt=charts.alternative(view.calibration, across="confidence"),
        )
        widgets.quiet(view.calibration.note, key="note-calibration")
    with words:
        for number, sentence in enumerate(view.sentences):
            widgets.quiet(sentence, key=f"sentence-{number}")


def draw_empty(workspace: Workspace) -> None:
    name, version = rewards.newest_checkpoint(workspace)
    if name:
        text = "Scores are kept for every pair that is measured. Measure a checkpoint."
    else:
        text = "Rewards are those of a checkpoint. Train one, then measure it."
    words = (
        ("evaluate", "--checkpoint", name, "--dataset", version)
        if name
        else ("train", "--dataset", "V", "--from", "MODEL")
    )
    widgets.empty(
        "There are no scores yet",
        text,
        wording.command(workspace.home, *words),
        page="" if name else "train",
    )


def main(workspace: Workspace) -> None:
    known = rewards.choices(workspace)
    if not known:
        draw_empty(workspace)
        return
    choice = choose(known)
    view = rewards.measured(workspace, choice)
    if view is None:
        draw_empty(workspace)
    else:
        draw(view, choice)


entrance.enter(main)
