"""Changing many pairs at once: what, which of them, how many, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from console import entrance, widgets
from console.views import pair_bulk, wording
from console.views.pair_bulk import Order
from labeling.explorer import Search
from storage.annotators import LONGEST_NAME
from storage.numbered import LONGEST_REASON
from storage.pair_actions import ActionKind, PairAction
from storage.pair_tags import LONGEST_TAG
from storage.workspace import Workspace

LOG: Mapping[str, object] = {
    "number": st.column_config.NumberColumn("No.", width=40),
    "what": st.column_config.TextColumn("What", width=150),
    "pairs": st.column_config.NumberColumn("Pairs", width=50),
    "state": st.column_config.TextColumn("State", width=110),
    "by": st.column_config.TextColumn("By", width=60),
    "reason": st.column_config.TextColumn("Reason", width=160),
    "when": st.column_config.TextColumn("When", width=140),
}
SHOWN = 10
ALL = "All that match"


@dataclass(frozen=True)
class Scope:
    """Which pairs are meant. `ids` is empty for all that match."""

    name: str
    count: int
    ids: Sequence[str] = ()

    @property
    def label(self) -> str:
        return f"{self.name} ({self.count:,})"


def draw(workspace: Workspace, search: Search, total: int, chosen: Sequence[str]) -> None:
    """Behind a button, so that the page stays still.

    Args:
        total: how many pairs match.
        chosen: those that are chosen in the list.
    """
    with st.popover("Change many", width="stretch"):
        draw_order(workspace, search, total, chosen)
        draw_log(workspace)


def draw_order(workspace: Workspace, search: Search, total: int, chosen: Sequence[str]) -> None:
    name = "This pair" if len(chosen) == 1 else "The chosen ones"
    offered = [Scope(name, len(chosen), chosen)] if chosen else []
    scopes = {one.name: one for one in (*offered, Scope(ALL, total))}
    which, what = st.columns(2)
    scope = scopes[
        which.radio(
            "Pairs",
            list(scopes),
            format_func=lambda one: scopes[one].label,
            key=f"bulk-scope-{name}",
            on_change=forget,
        )
    ]
    kind = what.selectbox(
        "What to do",
        list(pair_bulk.TITLES),
        format_func=pair_bulk.TITLES.__getitem__,
        key="bulk-kind",
        on_change=forget,
    )
    widgets.quiet(pair_bulk.MEANINGS[kind], key="bulk-meaning")
    needs_value = kind in pair_bulk.VALUES
    value, reason, by = (
        st.columns([2, 3, 2]) if needs_value else (st.container(), *st.columns([5, 2]))
    )
    order = Order(
        kind=kind,
        value=draw_value(value, kind),
        reason=(reason.text_input("Reason", key="bulk-reason", max_chars=LONGEST_REASON) or ""),
        by=by.text_input("By", pair_bulk.DEFAULT_LEAD, key="bulk-by", max_chars=LONGEST_NAME) or "",
    )
    draw_button(workspace, search, scope, order)


def draw_value(place: st.delta_generator.DeltaGenerator, kind: ActionKind) -> str:
    if kind is ActionKind.OVERLAP:
        more = place.number_input("Votes more", 1, 100, 1, key="bulk-votes", on_change=forget)
        return str(more)
    if kind in pair_bulk.VALUES:
        found = place.text_input("Tag", key="bulk-tag", max_chars=LONGEST_TAG, on_change=forget)
        return (found or "").strip()
    return ""


def draw_button(workspace: Workspace, search: Search, scope: Scope, order: Order) -> None:
    """One click for a few pairs, two for many."""
    has_reason = bool(order.reason.strip()) or order.kind not in pair_bulk.NEEDS_REASON
    has_value = bool(order.value) or order.kind not in pair_bulk.VALUES
    is_ready = scope.count > 0 and has_reason and has_value
    verb = f"{pair_bulk.TITLES[order.kind]}: {wording.count(scope.count, 'pair')}"
    asked = (scope.name, scope.count, order.kind)
    with st.container(horizontal=True):
        if scope.count > pair_bulk.FEW and st.session_state.get("bulk-asked") != asked:
            st.button(verb, key="bulk-ask", disabled=not is_ready, on_click=ask, args=(asked,))
            return
        st.button(
            f"Yes. {verb}" if scope.count > pair_bulk.FEW else verb,
            key="bulk-do",
            type="primary",
            disabled=not is_ready,
            on_click=change,
            args=(workspace, search, scope, order),
        )
        if scope.count > pair_bulk.FEW:
            st.button("Change nothing", key="bulk-keep", on_click=forget)


def draw_log(workspace: Workspace) -> None:
    """The last actions, and taking one back."""
    found = pair_bulk.listed(workspace, SHOWN)
    if not found:
        return
    widgets.table(pair_bulk.lines(found), LOG, alt="What was done to many pairs", most_rows=5)
    standing = {one.number: one for one in found if one.can_be_undone}
    if not standing:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.selectbox(
            "Take back",
            list(standing),
            format_func=lambda one: _named(standing[one]),
            key="bulk-undone",
        )
        st.button("Take back", key="bulk-undo", on_click=undo, args=(workspace, number))


def _named(action: PairAction) -> str:
    return f"{action.number}: {pair_bulk.what(action)}, {wording.count(action.pairs, 'pair')}"


def ask(asked: object) -> None:
    """The first of two clicks."""
    st.session_state["bulk-asked"] = asked


def forget() -> None:
    st.session_state.pop("bulk-asked", None)


def change(workspace: Workspace, search: Search, scope: Scope, order: Order) -> None:
    forget()
    with entrance.explained():
        shown = None if scope.ids else scope.count
        ids = pair_bulk.ids_of(workspace, search, scope.ids, shown)
        made = pair_bulk.apply(workspace, order, ids, search.facts.batch)
        st.session_state["bulk-reason"] = ""
        # what was done last is what one most likely takes back
        st.session_state["bulk-undone"] = made.number


def undo(workspace: Workspace, number: int) -> None:
    by = str(st.session_state.get("bulk-by") or pair_bulk.DEFAULT_LEAD)
    with entrance.explained():
        pair_bulk.undo(workspace, number, by)
