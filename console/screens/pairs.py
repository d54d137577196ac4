"""Pairs: filter, page through, look at one pair with its votes, and change many at once."""

from __future__ import annotations

import streamlit as st

from console import entrance, widgets
from console.pieces import (
    lists,
    pair_changing,
    pair_filtering,
    pair_saved,
    pair_showing,
    settling,
)
from console.views import pairs, wording
from console.views.pairs import PairsPage
from storage.errors import WrongInputError
from storage.workspace import Workspace

LINES = {
    "prompt": st.column_config.TextColumn("Prompt", width=170),
    "category": st.column_config.TextColumn("Category", width=85),
    "votes": st.column_config.NumberColumn("Votes", width=45),
    "consensus": st.column_config.TextColumn("Consensus", width=80),
    "imported": st.column_config.TextColumn("Imported", width=65),
    "tags": st.column_config.ListColumn("Tags", width=100),
}


def shown_id(page: PairsPage) -> str:
    """The pair of the address, else the first of the page."""
    return st.query_params.get("pair") or (page.lines[0].id if page.lines else "")


def draw_list(page: PairsPage, size: int) -> list[str]:
    """The page and the ways on from it; returns the pairs that are chosen."""
    # the buttons of a table appear over its right end: nothing else is there
    position, choosing = st.columns(2, vertical_alignment="center")
    with position:
        widgets.quiet(page.position, key="position")
    several = choosing.toggle("Choose several", key="several", disabled=not page.lines)
    if not page.lines:
        st.text("This page is empty now." if page.total else "No pair matches these filters.")
        pair_filtering.draw_pages(page)
        return []
    chosen = [shown_id(page)]
    if several:
        chosen = lists.several(page.lines, LINES, alt="Pairs to choose from", most_rows=size)
    else:
        lists.selectable(
            page.lines,
            LINES,
            parameter="pair",
            selected=chosen[0],
            alt="Pairs that match the filters",
            most_rows=size,
        )
    pair_filtering.draw_pages(page)
    return chosen


def main(workspace: Workspace) -> None:
    choices = pairs.choices(workspace)
    if not choices.batches:
        widgets.empty(
            "There are no pairs yet",
            "A pair is a prompt with two answers. Import a file of them.",
            wording.command(workspace.home, "import", "FILE", "--batch", "NAME"),
            page="imports",
        )
        return
    wanted, size, beside = pair_filtering.draw(choices)
    with beside[0]:
        pair_saved.draw(workspace, wanted)
    settling.draw(workspace, wanted.facts.batch)
    try:
        page = pairs.page(workspace, wanted, pair_filtering.cursor(), size)
    except WrongInputError as error:
        widgets.trouble(error)
        return
    left, right = st.columns([5, 6], gap="medium")
    with left:
        chosen = draw_list(page, size)
    with beside[1]:
        pair_changing.draw(workspace, wanted, page.total, chosen)
    if page.lines:
        with right:
            pair_showing.draw(workspace, chosen[-1] if chosen else shown_id(page))


entrance.enter(main)
