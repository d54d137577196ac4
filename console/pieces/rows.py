"""Rows of dataset versions on a page: read once, shown with pictures."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from console import widgets
from console.pieces import prompts
from console.views import datasets, wording
from console.views.datasets import RowDetail
from storage import dataset_versions
from storage.dataset_file import DatasetFile
from storage.rows import DatasetRow, DatasetVersion
from storage.workspace import Workspace

BADGES = {"chosen": "blue", "rejected": "orange"}


def of_version(workspace: Workspace, version: DatasetVersion) -> Sequence[DatasetRow]:
    """The rows of a version, their digest checked. A file that changed is read again.

    Raises:
        DamagedError: the file is missing or does not have the recorded digest.
    """
    changed = _changed(workspace, version)
    place = str(datasets.file_of(workspace, version))
    found: Sequence[DatasetRow] = _read_once(place, version.digest, changed, workspace, version)
    return found


def file_of(workspace: Workspace, version: DatasetVersion) -> DatasetFile:
    """The file of a version, its digest checked, to read a page of it. A file that changed is
    checked again.

    Raises:
        DamagedError: the file is missing or does not have the recorded digest.
    """
    changed = _changed(workspace, version)
    place = str(datasets.file_of(workspace, version))
    found: DatasetFile = _opened_once(place, version.digest, changed, workspace, version)
    return found


def _changed(workspace: Workspace, version: DatasetVersion) -> int:
    path = datasets.file_of(workspace, version)
    return path.stat().st_mtime_ns if path.is_file() else 0


def _read(
    path: str, digest: str, changed: int, _workspace: Workspace, _version: DatasetVersion
) -> Sequence[DatasetRow]:
    return dataset_versions.read_table(_workspace, _version)


def _opened(
    path: str, digest: str, changed: int, _workspace: Workspace, _version: DatasetVersion
) -> DatasetFile:
    return dataset_versions.opened(_workspace, _version)


_read_once = st.cache_resource(_read, max_entries=4, show_spinner="Reading and checking the rows")
_opened_once = st.cache_resource(_opened, max_entries=8, show_spinner="Checking the rows")


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
