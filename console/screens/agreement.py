"""Agreement: how far annotators agree, per batch and overall, and two by two."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from console import charts, entrance, kappa_matrix, widgets
from console.views import agreement
from console.views.agreement import AgreementPage, Missing
from storage.workspace import Workspace

FIGURES = {
    "figure": st.column_config.TextColumn("Figure", width=180),
    "value": st.column_config.TextColumn("With ties", width=70),
    "interval": st.column_config.TextColumn("95% interval", width=110),
    "n": st.column_config.NumberColumn("n", format="localized", width=60),
    "without": st.column_config.TextColumn("Without ties", width=80),
    "without_interval": st.column_config.TextColumn("95% interval", width=110),
    "without_n": st.column_config.TextColumn("n", width=60, alignment="right"),
    "meaning": st.column_config.TextColumn("What it says", width="large"),
}
PAIRS = {
    "one": st.column_config.TextColumn("Annotator", width=120),
    "other": st.column_config.TextColumn("And", width=120),
    "kappa": st.column_config.TextColumn("Kappa", width=60),
    "interval": st.column_config.TextColumn("95% interval", width=110),
    "n": st.column_config.NumberColumn("n", format="localized", width=60),
    "percent": st.column_config.TextColumn("Percent", width=70),
    "note": st.column_config.TextColumn("Note", width=130),
}
BATCHES = {
    "batch": st.column_config.TextColumn("Batch", width="medium"),
    "shared": st.column_config.TextColumn("Shared pairs", width="small"),
    "percent": st.column_config.TextColumn("Percent (95% interval)", width="medium"),
    "alpha": st.column_config.TextColumn("Alpha (95% interval)", width="medium"),
    "ac1": st.column_config.TextColumn("AC1 (95% interval)", width="medium"),
    "note": st.column_config.TextColumn("Note", width="medium"),
}


def filters(names: Sequence[str]) -> tuple[str, str]:
    """Batch (empty for all) and what ties do between two annotators; both live in the URL."""
    batch, ties, _ = st.columns([2, 3, 4], vertical_alignment="bottom")
    chosen = batch.selectbox(
        "Batch", names, index=None, key="batch", bind="query-params", placeholder="all batches"
    )
    how = ties.segmented_control(
        "Ties, two by two",
        agreement.TIES,
        default=agreement.COUNTED,
        required=True,
        key="ties",
        bind="query-params",
    )
    return chosen or "", how or agreement.COUNTED


def draw(page: AgreementPage) -> None:
    widgets.quiet(page.facts, key="facts")
    if page.missing is not None:
        draw_missing(page.missing)
        return
    widgets.table(page.figures, columns(page), alt="Coefficients of agreement")
    for number, note in enumerate(page.notes):
        widgets.quiet(note, key=f"note-{number}")
    st.subheader("Cohen's kappa, two by two", anchor=False)
    if page.matrix is None:
        draw_pairs(page)
        return
    left, right = st.columns([5, 4], gap="medium")
    with left:
        draw_pairs(page)
    with right:
        st.plotly_chart(
            kappa_matrix.figure(page.matrix, dark=st.context.theme.type == "dark"),
            key="matrix",
            config=charts.CONFIG,
            alt=kappa_matrix.alternative(page.matrix),
        )


def columns(page: AgreementPage) -> dict[str, object]:
    """Without a tie among the votes there is nothing to leave out."""
    has_ties = any(line.without for line in page.figures)
    plain = {name: column for name, column in FIGURES.items() if not name.startswith("without")}
    if has_ties:
        return dict(FIGURES)
    return {**plain, "value": st.column_config.TextColumn("Value", width=70)}


def draw_pairs(page: AgreementPage) -> None:
    if page.pairs:
        widgets.table(page.pairs, PAIRS, alt="Cohen's kappa of every two annotators")
    else:
        widgets.quiet("No two annotators share a pair without a tie.", key="no-pairs")
    if page.unpaired:
        widgets.quiet(page.unpaired, key="unpaired")


def draw_missing(missing: Missing) -> None:
    widgets.empty(missing.title, missing.text, missing.command, missing.page)


def main(workspace: Workspace) -> None:
    names = agreement.choices(workspace)
    if not names:
        draw_missing(agreement.no_batches(workspace.home))
        return
    batch, ties = filters(names)
    page = agreement.prepare(workspace, batch, ties)
    draw(page)
    if page.missing is None and st.toggle("By category", key="by-category", bind="query-params"):
        columns = {**BATCHES, "batch": st.column_config.TextColumn("Category", width="medium")}
        lines = agreement.by_category(workspace, batch)
        widgets.table(lines, columns, alt="Agreement on every category of prompts")
    if len(page.batches) > 1:
        st.subheader("By batch", anchor=False)
        widgets.table(page.batches, BATCHES, alt="Agreement of every batch")


entrance.enter(main)
