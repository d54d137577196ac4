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
    # another list is another table: a selected row never stands for another line
    key = f"list-{parameter}-{hashlib.sha256(''.join(ids).encode()).hexdigest()[:12]}"

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
