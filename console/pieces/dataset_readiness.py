"""The check before training on the Datasets page: a button, its progress, and what was found."""

from __future__ import annotations

import streamlit as st

from console import entrance, widgets
from rounds.readiness import report
from rounds.readiness.finding import BLOCKING, Finding
from rounds.readiness.report import Readiness
from storage import checkpoints, models
from storage.rows import DatasetVersion
from storage.workspace import Workspace


def draw(workspace: Workspace, version: DatasetVersion) -> None:
    """A version never changes, so what was found stays true until the browser's tab closes."""
    st.subheader("Check before training", anchor=False)
    button, model, words = st.columns([1, 1, 3], vertical_alignment="bottom")
    chosen = model.selectbox(
        "Model to train",
        startable(workspace),
        index=None,
        key="check-model",
        placeholder="no model",
    )
    with words:
        widgets.quiet(
            "Leakage, duplicates, contradictions, pictures, balance, and with a model what is too "
            "long for it; a second or two for a hundred pictures.",
            key="about-check",
        )
    key = f"readiness-{version.digest}-{chosen or ''}"
    is_wanted = button.button("Check", key="check-version", width="stretch")
    if is_wanted and key not in st.session_state:
        with entrance.explained():
            st.session_state[key] = _checked(workspace, version, chosen or "")
    known: Readiness | None = st.session_state.get(key)
    if known is not None:
        draw_findings(known)


def startable(workspace: Workspace) -> list[str]:
    """The names of the models, then of the checkpoints, that a training can start from."""
    with workspace.ledger.read() as db:
        known = [model.name for model in models.listed(db)]
        return [*known, *(row.name for row in checkpoints.listed(db))]


def draw_findings(found: Readiness) -> None:
    if found.model:
        widgets.quiet(
            f"The longest row has {found.longest:,} tokens for {found.model}.", key="longest"
        )
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


def _checked(workspace: Workspace, version: DatasetVersion, model: str) -> Readiness:
    bar = st.progress(0.0, text="Looking at the rows")
    try:
        return report.of_version(
            workspace, version, lambda done, total: bar.progress(done / max(total, 1)), model
        )
    finally:
        bar.empty()
