"""Shared drawing pieces. They get prepared values and never read data themselves.

Whatever people or models wrote goes through st.text, st.code or st.dataframe only: those show it as
it is. Markdown and HTML would load pictures and follow links out of a model's answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from storage.errors import PairwrightError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pandas.io.formats.style import Styler

# pixels; the header and the borders are as Streamlit draws them
ROW_HEIGHT = 28
_HEADER = 32
_BORDERS = 2

# at least 4.5:1 on the light and on the dark page
_GREY = ("#71757a", "#8f9399")

_STYLE = Path(__file__).parent / "style.css"


def style() -> None:
    """What the theme cannot say."""
    st.html(_STYLE)


def empty(title: str, text: str, command: str = "", page: str = "") -> None:
    """An empty place: what is missing, the one next step, its page and its command."""
    with st.container(border=True):
        st.markdown(f"**{title}**")
        st.text(text)
        if page:
            to_page(page)
        if command:
            copyable(command)


def to_page(name: str, query: Mapping[str, str] | None = None) -> None:
    """A link to a page of ours, by the name of its file in `screens/`."""
    st.page_link(
        f"screens/{name}.py",
        # a module cannot be called import
        label="Import" if name == "imports" else name.capitalize(),
        query_params=dict(query or {}),
        icon=":material/arrow_forward:",
    )


def trouble(error: PairwrightError) -> None:
    """An error of ours: what happened, the value seen, what to do next."""
    with st.container(border=True):
        st.badge("This did not work", color="red")
        st.text(error.what)
        if error.next_step:
            st.text(error.next_step)


def copyable(command: str) -> None:
    """A command with a button that copies it."""
    st.code(command, language=None, wrap_lines=True)


def step(text: str, command: str, key: str) -> None:
    """A hint with its command beside it. `key` is unique on the page."""
    words, line = st.columns([2, 3], vertical_alignment="center")
    with words:
        quiet(text, key)
    with line:
        copyable(command)


def quiet(text: str, key: str) -> None:
    """Secondary text. `key` is unique on the page."""
    with st.container(key=f"quiet-{key}"):
        st.text(text)


def table(
    lines: Sequence[DataclassInstance],
    columns: Mapping[str, Any],
    *,
    alt: str,
    most_rows: int = 12,
    faint: Sequence[bool] = (),
) -> None:
    """A read-only table of prepared lines. `columns` orders them: field -> title or column type.

    Args:
        faint: which lines are written in grey, because little rests on them.
    """
    data = frame(lines, columns)
    st.dataframe(
        _faint(data, faint) if any(faint) else data,
        column_config=dict(columns),
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=table_height(min(len(lines), most_rows)),
        alt=alt,
    )


def frame(lines: Sequence[DataclassInstance], columns: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The chosen fields of the lines, column by column."""
    rows = [asdict(line) for line in lines]
    return {name: [row[name] for row in rows] for name in columns}


def _faint(data: dict[str, list[Any]], faint: Sequence[bool]) -> Styler:
    """The table with some of its lines in a grey that can still be read on the page's ground."""
    import pandas

    grey = f"color: {_GREY[st.context.theme.type == 'dark']}"
    styled = pandas.DataFrame(data).style
    return styled.apply(lambda row: [grey if faint[row.name] else ""] * len(row), axis=1)


def table_height(rows: int) -> int:
    """Pixels that show so many rows without a scroll bar."""
    return _HEADER + rows * ROW_HEIGHT + _BORDERS
