"""What the dataset versions are made of, side by side: how coverage moved over the rounds."""

from __future__ import annotations

import streamlit as st

from console import charts, coverage_map, widgets
from console.pieces import rows
from rounds import drift, origins
from storage import dataset_versions
from storage.workspace import Workspace

# a picture of more versions is too wide to read; every one of them is read whole
MOST = 8
NAMES = (*drift.FEATURES, origins.SOURCE, origins.ANNOTATOR)


def draw(workspace: Workspace) -> None:
    """Nothing is read before it is asked for."""
    if not st.toggle("Across all versions", key="across", bind="query-params"):
        return
    chosen = st.columns([2, 7])[0].selectbox("Rows by", NAMES, key="rows-by", bind="query-params")
    with workspace.ledger.read() as db:
        there = dataset_versions.listed(db)
    found = {}
    for one in there[-MOST:]:
        some = rows.of_version(workspace, one)
        own = drift.FEATURES.get(chosen)
        found[one.id] = some, own or origins.features(workspace, some, one.created_at)[chosen]
    drawn = drift.cover(chosen, found)
    if len(there) > MOST:
        widgets.quiet(f"The last {MOST} of {len(there)} versions.", key="some-versions")
    widgets.quiet(
        "Shares of the rows. Under each version: Jensen-Shannon divergence from the one before it, "
        "0 the same, 1 nothing in common.",
        key="about-coverage",
    )
    st.plotly_chart(
        coverage_map.figure(drawn, dark=st.context.theme.type == "dark"),
        key="coverage",
        width=coverage_map.width(drawn),
        config=charts.CONFIG,
        alt=coverage_map.alternative(drawn),
    )
