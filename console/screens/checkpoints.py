"""Checkpoints: their lineage and figures, which one is in use, and several side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from console import entrance, widgets
from console.pieces import ab_tests, independent, publishing
from console.views import checkpoint_comparison, checkpoint_pairs, checkpoints, wording
from console.views.checkpoints import CheckpointDetail, Family, InUse
from storage.errors import NotFoundError
from storage.workspace import Workspace

LINES = {
    "name": st.column_config.TextColumn("Checkpoint", width=240),
    "use": st.column_config.TextColumn("In use", width=60),
    "start": st.column_config.TextColumn("From", width="small"),
    "dataset": st.column_config.TextColumn("Dataset", width=60),
    "preference": st.column_config.TextColumn("Preference accuracy (95%)", width=175),
    "reward": st.column_config.TextColumn("Reward accuracy (95%)", width=175),
    "n": st.column_config.TextColumn("n", width=50),
    "gap": st.column_config.TextColumn("Reward gap", width=80),
    "kl": st.column_config.TextColumn("KL, nats per token", width=110),
    "target": st.column_config.TextColumn("Target", width=90),
    "made": st.column_config.TextColumn("Made", width=150),
    "published": st.column_config.TextColumn("Published", width="small"),
}
FIGURES = {
    "figure": st.column_config.TextColumn("Figure", width="medium"),
    "value": st.column_config.TextColumn("Value", width="medium"),
    "interval": st.column_config.TextColumn("95% interval", width="small"),
    "before": st.column_config.TextColumn("Before training", width="small"),
    "n": st.column_config.TextColumn("n", width="small"),
    "labels": st.column_config.TextColumn("Labels", width="small"),
    "reference": st.column_config.TextColumn("Reference", width="small"),
}
HISTORY = {
    "when": "When",
    "what": "What",
    "checkpoint": "Checkpoint",
    "actor": "By",
    "reason": st.column_config.TextColumn("Reason", width="large"),
}
MOST_ROWS = 14
SAME_PAIRS: dict[str, Any] = {
    "figure": st.column_config.TextColumn("Figure", width=150),
    "n": st.column_config.NumberColumn("Pairs", format="localized", width=60),
    "both": st.column_config.NumberColumn("Both right", format="localized"),
    "first": None,
    "second": None,
    "neither": st.column_config.NumberColumn("Neither", format="localized"),
    "difference": st.column_config.TextColumn("Difference", width=200),
    "p": st.column_config.TextColumn("p", width=60, alignment="right"),
}


def draw_use(workspace: Workspace, use: InUse) -> None:
    """What is in use, what was just done about it, and the way back."""
    with st.container(border=True):
        words, button = st.columns([5, 2], vertical_alignment="center")
        words.text(use.sentence)
        if use.previous:
            button.button(
                "Roll back",
                key="rollback",
                width="stretch",
                on_click=roll_back,
                args=(workspace, use.id),
            )
            widgets.quiet(f"Roll back returns to {use.previous}", key="previous")
        sentence, undo, after = st.session_state.get("use-note", ("", None, ""))
        # somebody else may have changed it since
        if sentence and after == use.id:
            words, button = st.columns([5, 2], vertical_alignment="center")
            with words:
                widgets.quiet(sentence, key="done")
            if undo is not None:
                button.button("Undo", key="undo", width="stretch", on_click=undo)


def roll_back(workspace: Workspace, seen: str) -> None:
    """One click; the note that stays says what happened and takes it back with another."""
    st.session_state.pop("use-note", None)
    with entrance.explained():
        sentence = checkpoints.roll_back(workspace, seen)
        undo = partial(activate, workspace, seen, "undo")
        st.session_state["use-note"] = sentence, undo, checkpoints.family(workspace).in_use.id


def activate(workspace: Workspace, checkpoint_id: str, reason: str = "") -> None:
    st.session_state.pop("use-note", None)
    with entrance.explained():
        had = checkpoints.family(workspace).in_use.id
        given = reason or str(st.session_state.get("reason") or "")
        sentence = checkpoints.activate(workspace, checkpoint_id, given)
        undo = partial(roll_back, workspace, checkpoint_id) if had else None
        st.session_state["use-note"] = sentence, undo, checkpoint_id
        st.session_state["reason"] = ""


def draw_table(found: Family, selected: str) -> None:
    names = [line.name.split("└ ")[-1].strip() for line in found.lines]
    # another list is another table: a selected row never stands for another checkpoint
    key = "list-" + hashlib.sha256("".join(line.id for line in found.lines).encode()).hexdigest()
    shown = {k: v for k, v in LINES.items() if any(getattr(line, k) for line in found.lines)}
    st.dataframe(
        widgets.frame(found.lines, shown),
        column_config=shown,
        hide_index=True,
        row_height=widgets.ROW_HEIGHT,
        height=widgets.table_height(min(len(names), MOST_ROWS)),
        key=key,
        on_select=lambda: select(key, names),
        selection_mode="single-row",
        selection_default={"selection": {"rows": [names.index(selected)]}}
        if selected in names
        else None,
        alt="Checkpoints, each below the one that it was trained from",
    )
    widgets.quiet(
        "The figures are those of each checkpoint's own held-out pairs. To compare checkpoints, "
        "measure them on one dataset version.",
        key="own",
    )


def select(key: str, names: Sequence[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(names):
        st.query_params["checkpoint"] = names[rows[0]]
    else:
        st.query_params.pop("checkpoint", None)


def draw_detail(workspace: Workspace, view: CheckpointDetail) -> None:
    st.subheader("Checkpoint", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(view.name)
        if view.is_active:
            st.badge("in use", color="primary")
    if not view.is_active:
        draw_activation(workspace, view)
    names = ["Figures", "Independent", "Facts", "Settings", "Publish"]
    figures, beside, facts, settings, hub = st.tabs(names, key="tabs")
    with figures:
        widgets.table(view.figures, FIGURES, alt="Figures of the checkpoint")
    with beside:
        independent.draw(workspace, view.name, view.independent)
    with facts:
        draw_pairs(view.facts, ("what", "value"), "Where it comes from and where it is")
    with settings:
        draw_pairs(view.settings, ("setting", "value"), "Settings it was trained with")
    with hub:
        independent.draw_warnings(view.independent, "publish")
        publishing.draw(workspace, view.id, view.name)
    draw_steps(workspace, view)


def draw_activation(workspace: Workspace, view: CheckpointDetail) -> None:
    reason, button = st.columns([5, 2], vertical_alignment="bottom")
    reason.text_input(
        "Why it is taken into use", key="reason", max_chars=1000, placeholder="optional"
    )
    button.button(
        "Take into use",
        key="activate",
        type="primary",
        width="stretch",
        on_click=activate,
        args=(workspace, view.id),
    )
    independent.draw_warnings(view.independent, "activate")


def draw_pairs(rows: Sequence[tuple[str, str]], headings: tuple[str, str], alt: str) -> None:
    columns = {headings[at]: [row[at] for row in rows] for at in (0, 1)}
    height = widgets.table_height(min(len(rows), MOST_ROWS))
    st.dataframe(columns, hide_index=True, row_height=widgets.ROW_HEIGHT, height=height, alt=alt)


def draw_steps(workspace: Workspace, view: CheckpointDetail) -> None:
    steps = {
        "Measure it": ("evaluate", "--checkpoint", view.name, "--dataset", view.dataset),
        "Let it answer prompts": (
            *("sample", "--prompts", "FILE", "--from", view.name),
            *("--set", "answers=1", "--set", "temperature=0"),
        ),
    }
    for text, words in steps.items():
        widgets.step(text, wording.command(workspace.home, *words), key=text)


def draw_comparison(workspace: Workspace, found: Family) -> None:
    st.subheader("Side by side", anchor=False)
    left, right = st.columns([4, 2])
    names = left.multiselect(
        "Checkpoints to compare",
        found.names,
        key="compare",
        bind="query-params",
        placeholder="two or more",
    )
    if len(names) < 2:
        widgets.quiet("Choose two or more to see figures and settings that differ.", key="choose")
        return
    places = checkpoint_comparison.compare(workspace, names).measurements
    on = right.selectbox("Measured on", places, key="on", bind="query-params")
    compared = checkpoint_comparison.compare(workspace, names, on or "")
    if not compared.fair:
        widgets.step(
            "These are figures of different pairs. Measure all on one dataset version:",
            wording.command(workspace.home, "evaluate", "--checkpoint", names[0], "--dataset", "V"),
            key="unfair",
        )
    draw_columns("figure", compared.names, compared.figures, "Figures side by side")
    if compared.note:
        widgets.quiet(compared.note, key="references")
    draw_same_pairs(workspace, names[0], names[1], on or "")
    if compared.settings:
        draw_columns("setting", compared.names, compared.settings, "Settings that differ")
    else:
        widgets.quiet("They were trained with the same settings on the same data.", key="same")


def draw_same_pairs(workspace: Workspace, first: str, second: str, on: str) -> None:
    """The first two of the names, pair by pair."""
    found = checkpoint_pairs.compare(workspace, first, second, on)
    if not found.on:
        return
    st.text(f"{first} and {second} on the same pairs ({found.on})")
    columns = {
        **SAME_PAIRS,
        "first": st.column_config.NumberColumn(f"Only {first}"[:40], format="localized"),
        "second": st.column_config.NumberColumn(f"Only {second}"[:40], format="localized"),
    }
    widgets.table(checkpoint_pairs.lines(found), columns, alt="Two checkpoints on the same pairs")
    told = "Difference: the second minus the first, with its 95% interval; p by McNemar's test."
    widgets.quiet(" ".join([told, *checkpoint_pairs.sentences(found)]), key="same-pairs")


def draw_columns(
    what: str, names: Sequence[str], rows: Mapping[str, Sequence[str]], alt: str
) -> None:
    columns = {what: list(rows)}
    columns |= {name: [cells[at] for cells in rows.values()] for at, name in enumerate(names)}
    height = widgets.table_height(min(len(rows), MOST_ROWS))
    st.dataframe(columns, hide_index=True, row_height=widgets.ROW_HEIGHT, height=height, alt=alt)


def main(workspace: Workspace) -> None:
    found = checkpoints.family(workspace)
    if not found.lines:
        widgets.empty(
            "There are no checkpoints yet",
            "A checkpoint is what a training run makes out of a dataset version.",
            wording.command(workspace.home, "train", "--dataset", "V", "--from", "MODEL"),
            page="train",
        )
        return
    draw_use(workspace, found.in_use)
    selected = st.query_params.get("checkpoint") or found.newest
    draw_table(found, selected)
    try:
        view = checkpoints.detail(workspace, selected)
    except NotFoundError as error:
        widgets.trouble(error)
    else:
        draw_detail(workspace, view)
    draw_comparison(workspace, found)
    ab_tests.draw(workspace)
    if found.history:
        st.subheader("History of use", anchor=False)
        widgets.table(found.history, HISTORY, alt="Who took which checkpoint into use, and why")


entrance.enter(main)
