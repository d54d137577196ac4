"""The check before training on the Datasets page: a button, its progress, and what was found."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from console import entrance, widgets
from rounds.readiness import report
from rounds.readiness.finding import BLOCKING, Finding
from rounds.readiness.report import Readiness
from storage.rows import DatasetVersion
from storage.workspace import Workspace


def draw(workspace: Workspace, version: DatasetVersion) -> None:
    """A version never changes, so what was found stays true until the browser's tab closes."""
    key = f"readiness-{version.digest}"
    known: Readiness | None = st.session_state.get(key)
    place = st.empty()
    if known is None and asked(place):
        with place.container(), entrance.explained():
            known = st.session_state[key] = _checked(workspace, version)
        place.empty()
    if known is not None:
        draw_findings(known)


def asked(place: DeltaGenerator) -> bool:
    """The button and what it looks for; True when it was pressed."""
    with place.container():
        button, words = st.columns([1, 4], vertical_alignment="center")
        with words:
            widgets.quiet(
                "Leakage, duplicates, contradictions, pictures, balance; about a second for a "
                "hundred pictures.",
                key="about-check",
            )
        return bool(button.button("Check before training", key="check-version", width="stretch"))


def draw_findings(found: Readiness) -> None:
    blocking = [one for one in found.findings if one.level == BLOCKING]
    if not found.findings:
        st.badge("Nothing stands out", color="green")
    elif not blocking:
        st.badge("Can be trained on", color="green")
    else:
        st.badge("Not fit to train on", color="red")
    for finding in found.findings:
        draw_finding(finding)


def draw_finding(finding: Finding) -> None:
    with st.container(border=True, key=f"finding-{finding.code}-{finding.level}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            blocks = finding.level == BLOCKING
            st.badge("Blocks" if blocks else "Look at", color="red" if blocks else "yellow")
            st.text(f"{finding.what[:1].upper()}{finding.what[1:]}.")
        widgets.quiet(finding.do, key=f"do-{finding.code}-{finding.level}")
        if finding.examples:
            with st.container(horizontal=True, gap="small"):
                for number, pair in enumerate(finding.examples):
                    st.page_link(
                        "screens/pairs.py", label=f"Pair {number + 1}", query_params={"pair": pair}
                    )


def _checked(workspace: Workspace, version: DatasetVersion) -> Readiness:
    bar = st.progress(0.0, text="Looking at the pictures")
    try:
        return report.of_version(
            workspace, version, lambda done, total: bar.progress(done / max(total, 1))
        )
    finally:
        bar.empty()
