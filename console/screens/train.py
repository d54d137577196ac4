"""Train: choose data and start, set the settings, see what they mean, and start the run."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from console import entrance, widgets
from console.pieces import run_plan
from console.views import train, wording
from console.views.train import Field, Offers, RunPlan
from storage.errors import PairwrightError
from storage.workspace import Workspace
from training.runs import memory

GROUPS = {
    "basic": "Training",
    "advanced": "Batches, lengths and formats",
    "plan": "Prices for the plan",
    "mining": "The next round's pairs",
    "hub": "Publishing on the Hub",
    "tracking": "Trackers beside our pages",
}
FITS = {memory.FITS: "green", memory.TIGHT: "yellow", memory.TOO_LARGE: "red"}
# fields of one row of the advanced part
ACROSS = 4


def draw_start(offers: Offers) -> tuple[str, str, str]:
    """Dataset, start and method: what every run needs."""
    dataset, start, method = st.columns([3, 3, 2])
    with dataset.container(gap="xsmall"):
        version = st.selectbox(
            "Dataset version", list(offers.datasets), key="dataset", bind="query-params"
        )
        widgets.quiet(offers.datasets.get(str(version), ""), key="dataset-words")
    with start.container(gap="xsmall"):
        origin = draw_origin(offers)
    with method:
        chosen = draw_field(train.fields()[train.METHOD])
    return str(version or ""), str(origin or ""), str(chosen)


def draw_origin(offers: Offers) -> str | None:
    origin: str | None = st.selectbox(
        "Start from",
        list(offers.starts),
        key="from",
        bind="query-params",
        index=0 if offers.starts else None,
        accept_new_options=True,
        placeholder="a folder or a Hub id",
        help="A named model, a checkpoint, a folder with config.json, or a Hub id. "
        "Type to enter one that is not listed.",
    )
    if origin:
        widgets.quiet(offers.starts.get(origin, "a folder or a Hub id"), key="from-words")
    return origin


def draw_field(field: Field) -> Any:
    """One field with its explanation behind the question mark and its usual range below."""
    with st.container(gap="xsmall"):
        value = draw_widget(field)
        widgets.quiet(field.usual, key=f"usual-{field.key}")
    # an emptied field means the default
    return field.default if value is None else value


def draw_widget(field: Field) -> Any:
    options: dict[str, Any] = {"key": field.key, "bind": "query-params", "help": field.help}
    setting = field.setting
    if field.kind == "choice":
        choices = list(setting.choices)
        return st.selectbox(field.key, choices, index=choices.index(field.default), **options)
    if field.kind == "text":
        return st.text_input(
            field.key,
            value=field.default,
            max_chars=200,
            placeholder="by method" if field.key == "learning_rate" else "",
            **options,
        )
    kind = int if field.kind == "whole" else float
    return st.number_input(
        field.key,
        min_value=kind(setting.low or 0),
        max_value=kind(setting.high or 0),
        value=field.default,
        step=1 if kind is int else 0.05,
        format="%d" if kind is int else "%g",
        **options,
    )


def draw_fields(fields: Sequence[Field], across: int) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for start in range(0, len(fields), across):
        row = fields[start : start + across]
        for place, field in zip(st.columns(across), row, strict=False):
            with place:
                given[field.key] = draw_field(field)
    return given


def draw_settings() -> dict[str, Any]:
    """The first five, the names, and the rest behind Advanced."""
    known = train.fields()
    given = draw_fields([known[key] for key in train.FIRST], len(train.FIRST))
    with st.expander("Advanced", key="advanced", bind="query-params", on_change="rerun"):
        for group, fields in train.advanced().items():
            st.markdown(f"**{GROUPS.get(group, group.capitalize())}**")
            given |= draw_fields(fields, ACROSS)
        st.markdown("**Names**")
        given |= draw_fields([known[key] for key in train.NAMES], 2)
    return given


def draw_plan(workspace: Workspace, plan: RunPlan, offers: Offers) -> None:
    left, right = st.columns([1, 1], gap="large")
    with left:
        draw_facts(plan)
    with right:
        draw_sentences(plan)
    run_plan.draw(workspace, plan)
    draw_button(workspace, plan)
    if not offers.workers:
        widgets.step(
            "No worker is running: a run waits until there is one.",
            wording.command(workspace.home, "up"),
            key="idle",
        )
    with st.expander("Every setting of this run", key="resolved"):
        rows = {"setting": [k for k, _ in plan.resolved], "value": [v for _, v in plan.resolved]}
        st.dataframe(rows, hide_index=True, row_height=widgets.ROW_HEIGHT, alt="Settings used")


def draw_facts(plan: RunPlan) -> None:
    """The start: what it is, what its name tells, and whether it fits."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**The model**", width="content")
        st.badge(
            f"memory: {plan.facts.fits}",
            color=FITS.get(plan.facts.fits, "gray"),
        )
    for number, text in enumerate((plan.facts.what, plan.facts.need, plan.facts.kind)):
        if text:
            widgets.quiet(text, key=f"model-{number}")


def draw_sentences(plan: RunPlan) -> None:
    st.markdown("**The run**")
    for number, sentence in enumerate(plan.sentences):
        widgets.quiet(sentence, key=f"plan-{number}")
    for warning in plan.warnings:
        mark, words = st.columns([1, 9], gap="small")
        mark.badge("check", color="yellow")
        words.text(warning)


def draw_button(workspace: Workspace, plan: RunPlan) -> None:
    """Start, or the run that these very choices have started already."""
    button, line = st.columns([1, 5], vertical_alignment="center")
    with line:
        widgets.copyable(plan.command)
    started: Mapping[str, str] = st.session_state.get("started", {})
    if plan.command not in started:
        sure = not plan.doubt or draw_doubt(plan)
        button.button(
            "Start training",
            key="start",
            type="primary",
            width="stretch",
            disabled=not sure,
            on_click=start,
            args=(workspace, plan),
        )
        return
    job = started[plan.command]
    button.page_link(
        "screens/runs.py",
        label=f"Run {job[:8]}",
        query_params={"run": job},
        icon=":material/arrow_forward:",
    )
    said, again = st.columns([4, 1], vertical_alignment="center")
    with said:
        widgets.quiet(f"These choices have been started as job {job}.", key="started")
    again.button("Offer Start again", key="again", on_click=renew, args=(plan,), width="stretch")


def draw_doubt(plan: RunPlan) -> bool:
    """Ask whether DPO should begin at a model that nobody has tuned yet."""
    widgets.quiet(f"{plan.doubt} Choose the stage sft first.", key="doubt")
    return bool(st.checkbox("Start DPO without SFT", key="without-sft"))


def start(workspace: Workspace, plan: RunPlan) -> None:
    """Both clicks of a double click belong to one form, so that they make one job."""
    form = st.session_state.setdefault("form", uuid.uuid4().hex)
    with entrance.explained():
        job = train.submit(workspace, plan, form)
        st.session_state["started"] = {**st.session_state.get("started", {}), plan.command: job}


def renew(plan: RunPlan) -> None:
    """Another run with the same choices is wanted: offer Start again, as a new form."""
    st.session_state["form"] = uuid.uuid4().hex
    started = dict(st.session_state.get("started", {}))
    started.pop(plan.command, None)
    st.session_state["started"] = started


def main(workspace: Workspace) -> None:
    offers = train.offers(workspace)
    if not offers.datasets:
        widgets.empty(
            "There is no dataset version to train on",
            "A version freezes the decisions so far. Build one.",
            wording.command(workspace.home, "dataset", "build"),
            page="datasets",
        )
        return
    dataset, origin, method = draw_start(offers)
    changed = train.words({train.METHOD: method, **draw_settings()})
    if not origin:
        widgets.step(
            "Name a model to start from. A short name for a folder is made with:",
            wording.command(workspace.home, "model", "add", "NAME", "DIR"),
            key="no-model",
        )
        return
    try:
        plan = train.plan(workspace, dataset, origin, changed)
    except PairwrightError as error:
        widgets.trouble(error)
        return
    draw_plan(workspace, plan, offers)


entrance.enter(main)
