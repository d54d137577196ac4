"""The filters of the build form, by the words of the Pairs page, and what they take away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from console import widgets
from console.views import pairs
from console.views.dataset_build import TakenLine
from console.views.dataset_filters import NAMES
from rounds.row_filters import RowFilter
from storage.workspace import Workspace

TAKEN: dict[str, Any] = {
    "asked": st.column_config.TextColumn("Filter", width=260),
    "pairs": st.column_config.NumberColumn("Pairs outside", format="localized", width=90),
    "rows": st.column_config.NumberColumn("Rows it takes away", format="localized", width=120),
}
WORDS = (
    "As on the Pairs page: what is asked of votes must be true of one vote, and then all votes on "
    "its pair decide. The confidence is that of the row. Pairs outside are counted as left out."
)
# other parts of the page use the plain names
PREFIX = "only_"


def draw(workspace: Workspace) -> RowFilter:
    """The choices, open when the address has one of them."""
    given = st.query_params.to_dict().keys()
    is_open = any(PREFIX + name in given for name in NAMES)
    with st.expander("Filters", expanded=is_open):
        widgets.quiet(WORDS, key="filter-words")
        offered = pairs.choices(workspace)
        first, second = st.columns(2)
        chosen = {
            "category": _choose(first, "Category", "category", offered.categories),
            "source": _choose(second, "Source", "source", offered.sources),
            "annotator": _choose(first, "Annotator", "annotator", offered.annotators),
            "failure": _choose(second, "Failure", "failure", offered.failures),
            "tag": _choose(first, "Tag", "tag", offered.tags),
            "text": _text(second),
            "voted_from": _day(first, "Voted from", "voted_from"),
            "voted_to": _day(second, "Voted to", "voted_to"),
            "added_from": _day(first, "Imported from", "added_from"),
            "added_to": _day(second, "Imported to", "added_to"),
        }
        return RowFilter(
            **chosen,
            confidence_from=_confidence(first, "Confidence from", "confidence_from"),
            confidence_to=_confidence(second, "Confidence to", "confidence_to"),
        )


def draw_taken(taken: Sequence[TakenLine]) -> None:
    """What each filter takes away by itself; nothing without a filter."""
    if taken:
        widgets.table(taken, TAKEN, alt="What each filter takes away by itself")


def _choose(place: DeltaGenerator, label: str, name: str, options: Sequence[str]) -> str:
    chosen: str | None = place.selectbox(
        label,
        options,
        index=None,
        key=PREFIX + name,
        bind="query-params",
        placeholder="all",
    )
    return chosen or ""


def _text(place: DeltaGenerator) -> str:
    return (
        place.text_input(
            "Text",
            key=f"{PREFIX}text",
            bind="query-params",
            type="search",
            placeholder="in prompt or answers",
            max_chars=200,
        )
        or ""
    )


def _day(place: DeltaGenerator, label: str, name: str) -> str:
    found = place.date_input(
        label,
        value=None,
        # by default the days of an address that are ten years past would be dropped
        min_value=date(2000, 1, 1),
        key=PREFIX + name,
        bind="query-params",
        format="YYYY-MM-DD",
        help="A day in UTC.",
    )
    return found.isoformat() if found else ""


def _confidence(place: DeltaGenerator, label: str, name: str) -> float | None:
    found: float | None = place.number_input(
        label,
        0.0,
        1.0,
        None,
        step=0.05,
        key=PREFIX + name,
        bind="query-params",
        placeholder="any",
    )
    return found
