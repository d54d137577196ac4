"""A prompt on a page: its pictures and videos beside the words of every turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from console import widgets
from console.views import pairs, wording
from storage.rows import Media, Turn
from storage.workspace import Workspace

# pictures narrower than this are not blown up, in pixels
WIDE = 200


def draw(
    workspace: Workspace,
    turns: Sequence[Turn],
    media: Mapping[str, Media],
    names: Mapping[str, str],
) -> None:
    """Pictures on the left, the words on the right. `names`: media id -> what it is called."""
    words = st.container()
    if media:
        pictures, words = st.columns([2, 3], gap="medium")
        with pictures:
            for item in media.values():
                _draw_media(workspace, item, names[item.id])
    with words:
        for number, turn in enumerate(turns, start=1):
            with st.container(key=f"turn-{number}", gap="xsmall"):
                role = turn.role if turn.role in ("system", "user") else "assistant"
                widgets.quiet(role, key=f"role-{number}")
                for part in turn.parts:
                    st.text(part.text if part.type == "text" else f"[{names[part.media]}]")


def _draw_media(workspace: Workspace, item: Media, name: str) -> None:
    data = pairs.content(workspace, item)
    if data is None:
        st.text(
            f"{name.capitalize()} is recorded, but its bytes are missing. Import its file again."
        )
    elif item.kind == "picture":
        st.image(data, width="stretch" if item.width > WIDE else "content", alt=name)
        size = f"{item.width} by {item.height} pixels"
        widgets.quiet(f"{name.capitalize()}, {size}", key=name)
    else:
        st.video(data, format=item.mime, alt=name, width="stretch")
        widgets.quiet(f"{name.capitalize()}, {wording.count(item.size, 'byte')}", key=name)
