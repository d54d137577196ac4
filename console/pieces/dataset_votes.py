"""The votes behind a version on the Datasets page, read a page at a time when asked for."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from console import widgets
from console.views import dataset_votes, wording
from rounds import row_votes
from storage.dataset_file import DatasetFile
from storage.rows import DatasetVersion
from storage.workspace import Workspace

LINES: dict[str, Any] = {
    "prompt": st.column_config.TextColumn("Prompt", width=240),
    "split": st.column_config.TextColumn("Side", width=60),
    "chosen": st.column_config.TextColumn("Chosen", width=60),
    "consensus": st.column_config.TextColumn("Consensus", width=140),
    "vote": st.column_config.TextColumn("Vote", width=150),
    "when": st.column_config.TextColumn("When", width=150),
    "batch": st.column_config.TextColumn("Batch", width=110),
    "counted": st.column_config.TextColumn("Counted", width=150),
}
MOST_LINES = 24
# a file of more rows is written by the command: a browser waits for it in memory
MOST_TO_DOWNLOAD = 5_000


def draw(workspace: Workspace, version: DatasetVersion, found: DatasetFile) -> None:
    st.subheader("Votes behind it", anchor=False)
    if not st.toggle("Show them", key="behind", bind="query-params"):
        return
    page = dataset_votes.page(workspace, version, found, _page_number())
    widgets.quiet(
        f"{page.position}. As they stood when the version was built; policy "
        f"{version.policy.get('policy') or 'none'}.",
        key="behind-position",
    )
    widgets.table(page.lines, LINES, alt="Rows with their votes", most_rows=MOST_LINES)
    if page.pages > 1:
        st.pagination(page.pages, key="votes_page", bind="query-params")
    _draw_file(workspace, version)


def _draw_file(workspace: Workspace, version: DatasetVersion) -> None:
    name = f"{version.id}-votes.jsonl"
    command = wording.command(workspace.home, "dataset", "votes", version.id, "--out", name)
    if version.rows > MOST_TO_DOWNLOAD:
        widgets.step("All of them as a file, a row a line:", command, key="votes-file")
        return
    button, line = st.columns([1, 4], vertical_alignment="center")
    button.download_button(
        "Download all",
        lambda: _file(workspace, version),
        file_name=name,
        mime="application/jsonl",
        key="votes-download",
        width="stretch",
        on_click="ignore",
    )
    with line:
        widgets.copyable(command)


def _file(workspace: Workspace, version: DatasetVersion) -> bytes:
    """A row a line, made when it is asked for."""
    rows = (row.as_json() for row in row_votes.of_version(workspace, version))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _page_number() -> int:
    """On the first run the pages' own widget has not read the address yet."""
    asked = str(st.session_state.get("votes_page") or st.query_params.get("votes_page") or 1)
    return int(asked) if asked.isdecimal() else 1
