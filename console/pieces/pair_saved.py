"""Saved views of the Pairs page: open one, save these filters, rename, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from console import entrance, widgets
from console.pieces import pair_filtering
from console.views import pair_searches
from console.views.pair_bulk import DEFAULT_LEAD
from labeling.explorer import Search
from storage.saved_views import LONGEST_NAME
from storage.workspace import Workspace


def draw(workspace: Workspace, search: Search) -> None:
    """Behind a button, so that the page stays still."""
    with st.popover("Saved views", width="stretch"):
        known = {one.name: one for one in pair_searches.listed(workspace)}
        if known:
            name = st.selectbox("Saved view", list(known), key="view-chosen")
            said = known[name].search
            widgets.quiet(pair_searches.sentence(said), key="view-filters")
            with st.container(horizontal=True, vertical_alignment="bottom"):
                button("Open", pair_filtering.put, said)
                new_name = st.text_input("New name", key="view-renamed", max_chars=LONGEST_NAME)
                button("Rename", rename, workspace, name, new_name or "")
                button("Delete", delete, workspace, name)
        words = pair_searches.words(search)
        widgets.quiet(f"Now: {pair_searches.sentence(words)}", key="view-now")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            new = st.text_input("Save these filters as", key="view-new", max_chars=LONGEST_NAME)
            button("Save", save, workspace, new or "", search)


def button(label: str, do: Callable[..., None], *said: Any) -> None:
    st.button(label, key=f"view-{label.lower()}", on_click=do, args=said)


def save(workspace: Workspace, name: str, search: Search) -> None:
    with entrance.explained():
        made = pair_searches.save(workspace, name.strip(), search, DEFAULT_LEAD, replace=False)
        st.session_state["view-chosen"] = made.name
        st.session_state["view-new"] = ""


def rename(workspace: Workspace, name: str, new_name: str) -> None:
    with entrance.explained():
        made = pair_searches.rename(workspace, name, new_name.strip())
        st.session_state["view-chosen"] = made.name
        st.session_state["view-renamed"] = ""


def delete(workspace: Workspace, name: str) -> None:
    with entrance.explained():
        pair_searches.delete(workspace, name)
