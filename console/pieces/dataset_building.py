"""The build form of the Datasets page: choices, what they would put in, and the Build button."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from console import entrance, widgets
from console.pieces import dataset_filtering, dataset_noting
from console.views import dataset_build
from console.views.dataset_build import Built, Plan
from console.views.datasets import Versions
from labeling.consensus import POLICIES
from rounds import dataset
from rounds.dataset import LABEL_CHOICES, BuildSettings, DatasetPreview
from storage.dataset_split import WAYS
from storage.workspace import Workspace

DEFAULTS = BuildSettings()
# how long a preview is good for: votes come in while one looks, and counting takes a moment
FRESH = "10s"
MOST_CATEGORIES = 24
LABELS = {
    "votes": "votes of the experts",
    "imported": "labels that came with a file",
    "both": "votes where a pair has any, else its imported label",
}
WORDS = (
    "A lead's decision comes before every policy. Agreement is the winner's share of the "
    "votes, confidence the winner's probability given the votes, both 0 to 1. Holdout is the "
    "share of rows kept from training, drawn with the seed: by media, and what shares a "
    "picture stays together; or by annotator, and all that those drawn judged is held out. "
    "The audit set measures all rounds and never trains."
)
LINES: dict[str, Any] = {
    "category": st.column_config.TextColumn("Category", width=120),
    "pairs": st.column_config.NumberColumn("Pairs", format="localized", width=60),
    "rows": st.column_config.NumberColumn("Go in", format="localized", width=60),
    "train": st.column_config.NumberColumn("Train", format="localized", width=60),
    "holdout": st.column_config.NumberColumn("Held out", format="localized", width=70),
    "left_out": st.column_config.NumberColumn("Left out", format="localized", width=70),
    "reasons": st.column_config.TextColumn("Why", width=260),
}


def draw(workspace: Workspace, there: Versions) -> None:
    choices, preview = st.columns([2, 5], gap="large")
    with choices:
        settings = replace(form(there), filters=dataset_filtering.draw(workspace))
        dataset_noting.draw_new()
    with preview, entrance.explained():
        found: DatasetPreview = _previewed(str(workspace.home), workspace, _deciding(settings))
        draw_plan(workspace, settings, dataset_build.plan(workspace, settings, found))


def form(there: Versions) -> BuildSettings:
    """The same choices as `dataset build`, every one in the address."""
    batch = st.selectbox(
        "Batch",
        there.batches,
        index=None,
        key="batch",
        bind="query-params",
        placeholder="all batches",
    )
    labels, judge = _labels(), _judge(there)
    with st.container(gap="xsmall"):
        name = st.selectbox("Policy", list(POLICIES), key="policy", bind="query-params")
        widgets.quiet(POLICIES[str(name)], key="policy-words")
    least = _number("Fewest votes", "min_votes", DEFAULTS.min_votes, 1, 100, 1)
    agreement, confidence = st.columns(2)
    with agreement:
        share = _number(
            "Smallest agreement", "min_agreement", DEFAULTS.min_agreement, 0.0, 1.0, 0.01
        )
    with confidence:
        sure = _number(
            "Smallest confidence", "min_confidence", DEFAULTS.min_confidence, 0.0, 0.99, 0.05
        )
    holdout, ways, seeds = st.columns(3)
    with holdout:
        held = _number("Holdout", "holdout", DEFAULTS.holdout, 0.0, 0.99, 0.05)
    way = ways.selectbox("Drawn by", WAYS, key="holdout_by", bind="query-params")
    with seeds:
        seed = _number("Seed", "seed", DEFAULTS.seed, 0, 2**31 - 1, 1)
    audit = st.checkbox("The audit set alone", key="audit", bind="query-params")
    widgets.quiet(WORDS, key="build-words")
    return BuildSettings(
        batch=batch,
        labels=labels,
        policy=str(name),
        min_votes=int(least),
        min_agreement=float(share),
        min_confidence=float(sure),
        holdout=0.0 if audit else float(held),
        holdout_by=str(way),
        seed=int(seed),
        audit=bool(audit),
        with_judge=judge,
    )


def _labels() -> str:
    with st.container(gap="xsmall"):
        labels = st.selectbox("Labels", LABEL_CHOICES, key="labels", bind="query-params")
        widgets.quiet(LABELS[str(labels)], key="labels-words")
    return str(labels)


def _judge(there: Versions) -> str:
    """A model whose labels stand where nobody else decides; nothing to choose without a judge."""
    if not there.judges:
        return ""
    chosen = st.selectbox(
        "Judge",
        there.judges,
        index=None,
        key="with_judge",
        bind="query-params",
        placeholder="no labels of a model",
        help="Where neither votes nor a file decide a pair, the label of this model does. Its "
        "rows say `model` and are counted.",
    )
    return chosen or ""


def draw_plan(workspace: Workspace, settings: BuildSettings, view: Plan) -> None:
    st.text(view.summary)
    if view.left_out:
        st.text(view.left_out)
    if view.apart:
        widgets.quiet(view.apart, key="apart")
    dataset_filtering.draw_taken(view.taken)
    if view.lines:
        widgets.table(
            view.lines,
            LINES,
            alt="Pairs by category: what goes in and what stays out",
            most_rows=MOST_CATEGORIES,
        )
    if view.rows:
        button, line = st.columns([1, 4], vertical_alignment="center")
        button.button(
            "Build",
            key="build",
            type="primary",
            width="stretch",
            on_click=build,
            args=(workspace, settings),
        )
        with line:
            widgets.copyable(view.command)
    else:
        st.text("Nothing is decided with these choices, so there is nothing to build.")
    made: Built | None = st.session_state.get("built")
    if made is not None:
        draw_built(made)


def build(workspace: Workspace, settings: BuildSettings) -> None:
    """The same decisions give the same version again, so that a second click changes nothing."""
    st.session_state.pop("built", None)
    with entrance.explained():
        version = dataset.build(workspace, settings)
        dataset_noting.write_new(workspace, version.id)
        st.session_state["built"] = dataset_build.built(workspace, version)


def draw_built(made: Built) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(f"Version {made.id}", color="green")
            st.text(made.summary)
        widgets.quiet(f"Digest {made.digest}", key="built-digest")
        widgets.step("Train on it:", made.train, key="built-train")
        with st.container(horizontal=True):
            st.page_link(
                "screens/train.py",
                label="Train",
                query_params={"dataset": made.id},
                icon=":material/arrow_forward:",
            )
            st.page_link(
                "screens/datasets.py",
                label="Look at its rows",
                query_params={"version": made.id},
                icon=":material/arrow_forward:",
            )


def _number(label: str, key: str, value: Any, low: Any, high: Any, step: Any) -> float:
    given: float | None = st.number_input(
        label,
        min_value=low,
        max_value=high,
        value=value,
        step=step,
        key=key,
        bind="query-params",
    )
    # an emptied field means the default
    return float(value) if given is None else given


def _deciding(settings: BuildSettings) -> BuildSettings:
    """Without what only draws the split: another seed needs no other count."""
    return BuildSettings(
        batch=settings.batch,
        labels=settings.labels,
        policy=settings.policy,
        min_votes=settings.min_votes,
        min_agreement=settings.min_agreement,
        min_confidence=settings.min_confidence,
        # who judged what is read only where the holdout is drawn by annotator
        holdout_by=settings.holdout_by,
        audit=settings.audit,
        with_judge=settings.with_judge,
        filters=settings.filters,
    )


def _preview(home: str, _workspace: Workspace, settings: BuildSettings) -> DatasetPreview:
    return dataset.preview(_workspace, settings)


# each holds the words of all its rows
_previewed = st.cache_resource(
    _preview, ttl=FRESH, max_entries=2, show_spinner="Counting the pairs"
)
