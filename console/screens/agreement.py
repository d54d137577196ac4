"""Agreement: how far annotators agree, overall, two by two, and on every part of the votes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from console import charts, entrance, kappa_matrix, widgets
from console.pieces import judges
from console.views import agreement, agreement_groups, agreement_missing
from console.views.agreement import AgreementPage
from console.views.agreement_missing import Missing
from labeling.agreement import groups
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
    "one": st.column_config.TextColumn("Annotator", width=90),
    "other": st.column_config.TextColumn("And", width=90),
    "kappa": st.column_config.TextColumn("Kappa", width=55),
    "interval": st.column_config.TextColumn("95% interval", width=100),
    "n": st.column_config.NumberColumn("n", format="localized", width=45),
    "percent": st.column_config.TextColumn("Percent", width=60),
    "prevalence": st.column_config.TextColumn("Prevalence", width=75, alignment="right"),
    "bias": st.column_config.TextColumn("Bias", width=50, alignment="right"),
    "note": st.column_config.TextColumn("Note", width=130),
}
PARTS = {
    "shared": st.column_config.TextColumn("Shared pairs", width=100),
    "percent": st.column_config.TextColumn("Percent (95% interval)", width=160),
    "kappa": st.column_config.TextColumn("Fleiss' kappa (95% interval)", width=160),
    "alpha": st.column_config.TextColumn("Alpha (95% interval)", width=160),
    "ac1": st.column_config.TextColumn("AC1 (95% interval)", width=160),
    "note": st.column_config.TextColumn("Note", width=140),
}


def filters(names: Sequence[str]) -> tuple[str, str]:
    """Batch (empty for all) and what ties do between two annotators; both live in the URL."""
    batch, ties, _ = st.columns([2, 3, 4], vertical_alignment="bottom")
    chosen = batch.selectbox(
        "Batch", names, index=None, key="batch", bind="query-params", placeholder="all batches"
    )
    how = ties.segmented_control(
        "Ties, two by two and by part",
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
    left, right = st.columns([7, 4], gap="medium")
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
        widgets.table(
            page.pairs,
            PAIRS,
            alt="Cohen's kappa of every two annotators",
            faint=[pair.is_few for pair in page.pairs],
        )
    else:
        widgets.quiet("No two annotators share a pair without a tie.", key="no-pairs")
    if page.unpaired:
        widgets.quiet(page.unpaired, key="unpaired")


def draw_missing(missing: Missing) -> None:
    widgets.empty(missing.title, missing.text, missing.command, missing.page)


def draw_parts(workspace: Workspace, batch: str, ties: str, *, several: bool) -> None:
    """One table of parts at a time: every way is measured only when it is asked for.

    Args:
        several: whether there are several batches to show beside each other.
    """
    way = st.segmented_control(
        "By part",
        [way for way in groups.WAYS if way != groups.BATCH or several],
        default=groups.BATCH if several else None,
        key="by",
        bind="query-params",
    )
    if way is None:
        return
    lines = agreement_groups.prepare(workspace, way, batch, ties == agreement.LEFT_OUT)
    widgets.quiet(agreement_groups.MEANINGS[way], key="about-part")
    title = agreement_groups.TITLES[way]
    widgets.table(
        lines,
        {"part": st.column_config.TextColumn(title, width=180), **PARTS},
        alt=f"Agreement by {way}",
        faint=agreement_groups.faint(lines),
    )


def main(workspace: Workspace) -> None:
    names = agreement.choices(workspace)
    if not names:
        draw_missing(agreement_missing.no_batches(workspace.home))
        return
    batch, ties = filters(names)
    page = agreement.prepare(workspace, batch, ties)
    draw(page)
    judges.draw(workspace, batch)
    if page.missing is None:
        draw_parts(workspace, batch, ties, several=not batch and len(names) > 1)


entrance.enter(main)
