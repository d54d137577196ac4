"""The part of the Import page that says what annotators of the batch are asked and told."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from console import batch_asking, widgets
from console.batch_asking import Asking
from labeling.rubrics import PRESETS
from storage.guidelines import LONGEST

KEEP = "as the batch has it; none when it is new"


def draw() -> Asking:
    """The choices, folded away at first. All but the guidelines live in the URL."""
    with st.expander(
        "What annotators are asked", key="asking", bind="query-params", on_change="rerun"
    ):
        choices, words = st.columns([5, 7], gap="large")
        with choices:
            rubric = draw_rubric()
            both_bad = st.checkbox(
                "May say that both answers are bad",
                key="both_bad",
                bind="query-params",
                help="Counts as a tie, in agreement and in what a pair comes to.",
            )
            confidence = st.checkbox("Say how sure they are", key="confidence", bind="query-params")
        guidelines = words.text_area(
            "Guidelines",
            key="guidelines",
            placeholder=KEEP,
            max_chars=LONGEST,
            height=180,
            help="What annotators should know before they choose; one key away on their page.",
        )
    return Asking(rubric, guidelines or "", both_bad, confidence)


def draw_rubric() -> str:
    with st.container(gap="xsmall"):
        rubric = st.selectbox(
            "Rubric",
            list(PRESETS),
            index=None,
            key="rubric",
            bind="query-params",
            accept_new_options=True,
            placeholder=KEEP,
            help="What annotators rate on each answer, 1 to 5, beside the choice. Type the path "
            "of a JSON file on this machine for a rubric of your own.",
        )
        if rubric in PRESETS:
            widgets.quiet(f"rates {batch_asking.criteria(rubric)}", key="rubric-words")
        elif rubric:
            widgets.quiet(f"the file {Path(rubric).name}", key="rubric-words")
    return rubric or ""
