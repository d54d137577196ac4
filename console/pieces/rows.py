"""Rows of dataset versions on a page: read once, listed with a selection, shown with pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from console import widgets
from console.pieces import prompts
from console.views import datasets, wording
from console.views.datasets import RowDetail
from storage import dataset_versions
from storage.rows import DatasetRow, DatasetVersion
from storage.workspace import Workspace

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

BADGES = {"chosen": "blue", "rejected": "orange"}


def of_version(workspace: Workspace, version: DatasetVersion) -> Sequence[DatasetRow]:
    """The rows of a version, their digest checked. A file that changed is read again.

    Raises:
        DamagedError: the file is missing or does not have the recorded digest.
    """
    path = datasets.file_of(workspace, version)
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    found: Sequence[DatasetRow] = _read_once(str(path), version.digest, changed, workspace, version)
    return found


def _read(
    path: str, digest: str, changed: int, _workspace: Workspace, _version: DatasetVersion
) -> Sequence[DatasetRow]:
    return dataset_versions.read_rows(_workspace, _version)


_read_once = st.cache_resource(_read, max_entries=4, show_spinner="Reading and checking the rows")


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


def draw(workspace: Workspace, view: RowDetail) -> None:
    """One row: prompt with its pictures, then chosen and rejected side by side."""
    row = view.row
    words = [row.prompt.category or "no category", row.split, f"labels: {row.labels}"]
    if row.votes:
        words.append(wording.count(row.votes, "vote"))
    words.append(f"confidence {row.confidence:.2f}")
    widgets.quiet(f"Pair {row.pair_id[:12]} · {' · '.join(words)}", key="row-head")
    prompts.draw(workspace, view.turns, view.media, view.names)
    left, right = st.columns(2, gap="medium")
    with left:
        draw_answer("chosen", row.chosen)
    with right:
        draw_answer("rejected", row.rejected)


def draw_answer(standing: str, text: str, name: str = "") -> None:
    """An answer with its badge; `standing` is chosen or rejected, `name` sets it apart."""
    with st.container(key=f"answer-{standing}-{name}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(standing, color=BADGES[standing])
            if name:
                st.text(name)
        st.text(text)
