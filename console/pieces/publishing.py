"""The part of the Checkpoints page that puts one on the Hub."""

from __future__ import annotations

import streamlit as st

from console import entrance, widgets
from console.views import publishing, wording
from storage.workspace import Workspace

LONGEST_REPO = 200


def draw(workspace: Workspace, checkpoint_id: str, name: str) -> None:
    """The form, the push that it has queued, and where the checkpoint is by now."""
    repo, private, button = st.columns([6, 2, 2], vertical_alignment="bottom")
    given = repo.text_input(
        "Repository on the Hub", key="repo", max_chars=LONGEST_REPO, placeholder="ORG/NAME"
    )
    hidden = private.checkbox("Private", value=True, key="private")
    wanted = (given or "").strip()
    if button.button("Publish", key="publish", width="stretch"):
        st.session_state.pop("pushed", None)
        with entrance.explained():
            job = publishing.push(workspace, checkpoint_id, wanted, hidden)
            st.session_state["pushed"] = checkpoint_id, job
    draw_pushed(checkpoint_id)
    for number, (sentence, link) in enumerate(publishing.of_checkpoint(workspace, checkpoint_id)):
        widgets.step(sentence, link, key=f"place-{number}")
    words = ("checkpoint", "push", name, "--repo", wanted or "ORG/NAME")
    widgets.step(
        "Weights, settings and a model card go up in one tagged commit, with the token of HF_TOKEN "
        "or `hf auth login` where the worker runs.",
        wording.command(workspace.home, *words, *(() if hidden else ("--public",))),
        key="publish",
    )


def draw_pushed(checkpoint_id: str) -> None:
    """The job that the button has queued; Runs says how it ends."""
    pushed, job = st.session_state.get("pushed", ("", ""))
    if pushed != checkpoint_id:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(f"The push is queued as job {job}.")
        widgets.to_page("runs", {"run": job})
