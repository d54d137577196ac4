"""What every page does first: open the workspace, or say why that is not possible.

Also the one place where an error of ours becomes words on a page.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from console import widgets
from console.options import DEFAULT_HOME, HOME_VARIABLE
from console.views import wording
from storage import workspace
from storage.errors import PairwrightError
from storage.workspace import Workspace


def home() -> Path:
    """The workspace's folder, from the environment, else the default below the current folder."""
    return Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().absolute()


def enter(draw: Callable[[Workspace], None]) -> None:
    """Draw a page with the workspace, or the next step where there is none."""
    folder = home()
    settings = folder / workspace.SETTINGS
    if not settings.exists():
        widgets.empty(
            "There is no workspace yet",
            f"No workspace was found in {folder}. It holds pairs, votes, jobs and checkpoints.",
            wording.command(folder, "init"),
        )
        return
    with explained():
        draw(_opened(str(folder), settings.stat().st_ino))


@contextmanager
def explained() -> Iterator[None]:
    """Show an error of ours with its next step instead of a traceback."""
    try:
        yield
    except PairwrightError as error:
        widgets.trouble(error)


def _open(folder: str, made: int) -> Workspace:
    """`made` is the file number of the settings: a workspace that was made anew is opened anew."""
    return workspace.open_existing(Path(folder))


# one for all visitors
_opened = st.cache_resource(_open, show_spinner=False, max_entries=4, on_release=Workspace.close)
