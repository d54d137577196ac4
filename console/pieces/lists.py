"""A table whose selected row is in the address, so that a link leads to what was looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from console import widgets

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def selectable(
    lines: Sequence[DataclassInstance],
    columns: Mapping[str, Any],
    *,
    parameter: str,
    selected: str,
    alt: str,
    most_rows: int = 12,
    on_change: Callable[[], None] | None = None,
) -> None:
    """A table whose selected row is in the address under `parameter`. Lines have an `id`.

    `on_change` is called when another line than `selected` is chosen.
    """
    frame = widgets.frame(lines, columns)
    ids = [str(getattr(line, "id")) for line in lines]  # noqa: B009
    key = f"list-{parameter}-{_mark(ids)}"

    def select() -> None:
        picked = st.session_state[key]["selection"]["rows"]
        chosen = ids[picked[0]] if picked and picked[0] < len(ids) else ""
        if chosen:
            st.query_params[parameter] = chosen
        else:
            st.query_params.pop(parameter, None)
        if on_change is not None and chosen != selected:
            on_change()

    st.dataframe(
        frame,
        column_config=dict(columns),
        hide_index=True,
        row_height=widgets.ROW_HEIGHT,
        height=widgets.table_height(min(len(ids), most_rows)),
        key=key,
        on_select=select,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [ids.index(selected)] if selected in ids else []}},
        alt=alt,
    )


def several(
    lines: Sequence[DataclassInstance],
    columns: Mapping[str, Any],
    *,
    alt: str,
    most_rows: int = 12,
) -> list[str]:
    """A table of which several rows can be chosen; returns their ids. Lines have an `id`."""
    ids = [str(getattr(line, "id")) for line in lines]  # noqa: B009
    event: Any = st.dataframe(
        widgets.frame(lines, columns),
        column_config=dict(columns),
        hide_index=True,
        row_height=widgets.ROW_HEIGHT,
        height=widgets.table_height(min(len(ids), most_rows)),
        key=f"several-{_mark(ids)}",
        on_select="rerun",
        selection_mode="multi-row",
        alt=alt,
    )
    return [ids[row] for row in event["selection"]["rows"] if row < len(ids)]


def _mark(ids: Sequence[str]) -> str:
    """Another list is another table: a selected row never stands for another line."""
    return hashlib.sha256("".join(ids).encode()).hexdigest()[:12]
