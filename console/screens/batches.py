"""Batches: how far each one is, and the links that let people label it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from console import entrance, widgets
from console.pieces import lead_sessions, lists, prepared_links, qualification_round, settling
from console.views import batches, wording
from console.views.batches import LinkLine, NewLink
from storage.annotators import LONGEST_NAME
from storage.workspace import Workspace

BATCHES = {
    "batch": st.column_config.TextColumn("Batch", width="medium"),
    "percent": st.column_config.ProgressColumn(
        "Labeled", format="%d%%", max_value=100, width="small"
    ),
    "votes": st.column_config.TextColumn("Votes", width="small"),
    "pairs": st.column_config.NumberColumn("Pairs", format="localized", width=70),
    "overlap": st.column_config.NumberColumn("Votes per pair", width=90),
    "settled": st.column_config.NumberColumn("Settled", format="localized", width=70),
    "ties": st.column_config.NumberColumn("Ties", format="localized", width=60),
    "disputes": st.column_config.NumberColumn("Disputes", format="localized", width=70),
    "waiting": st.column_config.NumberColumn("Lack votes", format="localized", width=80),
    "links": st.column_config.NumberColumn("Active links", format="localized", width=90),
    "made": st.column_config.TextColumn("Made", width="small"),
}
LINKS = {
    "annotator": st.column_config.TextColumn("Annotator", width="medium"),
    "batch": st.column_config.TextColumn("Batch", width="medium"),
    "state": st.column_config.TextColumn("State", width=80),
    "votes": st.column_config.NumberColumn("Votes", format="localized", width=70),
    "of": st.column_config.NumberColumn("Of", format="localized", width=60),
    "pace": st.column_config.TextColumn(
        "Pace",
        width="small",
        help="Pairs per hour that the page was in sight, skips included. People do 60 to 80.",
    ),
    "last_vote": st.column_config.TextColumn("Last vote", width="small"),
    "devices": st.column_config.NumberColumn("Devices", width=70),
    "last_seen": st.column_config.TextColumn("Last seen", width="small"),
    "expires": st.column_config.TextColumn("Expires", width="small"),
    "made": st.column_config.TextColumn("Made", width="small"),
    "id": st.column_config.TextColumn("Link", width="small"),
}
MOST_ROWS = 12


def filters(names: Sequence[str]) -> tuple[str, str]:
    """Batch and state of the links, empty for all; both live in the URL."""
    batch, state, _ = st.columns([3, 2, 5])
    chosen = batch.selectbox(
        "Batch", names, index=None, key="batch", bind="query-params", placeholder="all"
    )
    wanted = state.selectbox(
        "Links",
        batches.STATES,
        index=None,
        key="state",
        bind="query-params",
        placeholder="in any state",
    )
    return chosen or "", wanted or ""


def live_batches(workspace: Workspace, batch: str) -> None:
    """Progress by itself; the links below stay still while somebody works on them."""

    def refresh() -> None:
        with entrance.explained():
            lines = batches.progress(workspace, batch)
            widgets.table(lines, BATCHES, alt="Batches with their progress")

    st.fragment(refresh, run_every="5s")()


def draw_making(workspace: Workspace, names: Sequence[str], batch: str) -> None:
    """The form for a new link. A name that is not known yet is a new annotator."""
    form = batches.making(workspace)
    st.subheader("New link", anchor=False)
    with st.form("new-link", border=True, clear_on_submit=True):
        where, who, how_long, button = st.columns([3, 4, 2, 2], vertical_alignment="bottom")
        place = names.index(batch) if batch in names else 0
        # another batch in the address is another form
        target = where.selectbox("For batch", names, index=place, key=f"for-{batch}")
        annotator = who.text_input(
            "Annotator", key="who", max_chars=LONGEST_NAME, placeholder=form.known
        )
        expires = how_long.selectbox(
            "Works for",
            batches.LIFETIMES,
            index=batches.LIFETIMES.index("7d"),
            key="expires",
            format_func=batches.lifetime,
        )
        made = button.form_submit_button("Make a link", key="make", type="primary", width="stretch")
    if made:
        make(workspace, target, annotator, expires)
    prepared_links.draw(workspace, batch)
    draw_new_links()
    if form.reach:
        widgets.step(form.reach, form.command, key="reach")


def make(workspace: Workspace, batch: str, annotator: str | None, expires: str) -> None:
    name = (annotator or "").strip()
    if not name:
        st.text("Say who gets the link: their votes carry the name.")
        return
    with entrance.explained():
        new = batches.make_link(workspace, batch, name, expires)
        st.session_state["minted"] = [new, *minted()]
        # the table of links was read before this one was made
        st.rerun()


def minted() -> list[NewLink]:
    """Links made in this visit and not put away, the newest first: their addresses are nowhere
    else."""
    return list(st.session_state.get("minted", []))


def draw_new_links() -> None:
    """The addresses of the links that were just made, each until it is put away."""
    for new in minted():
        with st.container(border=True, key=f"made-{new.id}"):
            words, away = st.columns([8, 2], vertical_alignment="center")
            words.text(
                f"Link for {new.annotator} to batch {new.batch}, until {new.expires}. "
                f"Copy it now and hand it to {new.annotator} only: it is shown this once."
            )
            away.button(
                "Put away", key=f"away-{new.id}", width="stretch", on_click=put_away, args=(new.id,)
            )
            widgets.copyable(new.address)


def put_away(link: str) -> None:
    st.session_state["minted"] = [new for new in minted() if new.id != link]


def draw_links(workspace: Workspace, batch: str, state: str) -> None:
    st.subheader("Links", anchor=False)
    lines = batches.handed_out(workspace, batch, state)
    if not lines:
        quiet = "No link in this state." if state else "No link was handed out yet."
        widgets.quiet(quiet, key="no-links")
        return
    selected = st.query_params.get("link", "")
    lists.selectable(
        lines,
        LINKS,
        parameter="link",
        selected=selected,
        alt="Links, the newest first",
        most_rows=MOST_ROWS,
        on_change=lambda: st.session_state.pop("revoking", None),
    )
    draw_revoking(workspace, next((line for line in lines if line.id == selected), None))


def draw_revoking(workspace: Workspace, line: LinkLine | None) -> None:
    """Two clicks. Columns have their places before, so that no button moves under the cursor."""
    words, longer, confirm, last = st.columns([6, 2, 2, 2], vertical_alignment="center")
    if line is None:
        with words:
            widgets.quiet("Select a link to extend or revoke it.", key="revoke")
        return
    about = f"{line.annotator}, batch {line.batch}, link {line.id}"
    if line.state not in ("revoked", "prepared"):
        label = f"{batches.lifetime(batches.LONGER)} longer"
        longer.button(
            label, key="extend", width="stretch", on_click=extend, args=(workspace, line.id)
        )
    if line.state in ("expired", "revoked"):
        with words:
            widgets.quiet(f"{about}: {line.state}, it opens nothing.", key="revoke")
    elif st.session_state.get("revoking") == line.id:
        kept = wording.count(line.votes, "vote")
        words.text(f"{about}: it stops working at once; {kept} stay.")
        confirm.button(
            "Revoke this link",
            key="confirm",
            type="primary",
            width="stretch",
            on_click=revoke,
            args=(workspace, line.id),
        )
        last.button("Keep it", key="keep", width="stretch", on_click=keep)
    else:
        with words:
            widgets.quiet(about, key="revoke")
        last.button("Revoke", key="revoke-ask", width="stretch", on_click=ask, args=(line.id,))


def ask(link: str) -> None:
    """The first of two clicks."""
    st.session_state["revoking"] = link


def keep() -> None:
    st.session_state.pop("revoking", None)


def revoke(workspace: Workspace, link: str) -> None:
    st.session_state.pop("revoking", None)
    with entrance.explained():
        batches.revoke(workspace, link)


def extend(workspace: Workspace, link: str) -> None:
    with entrance.explained():
        batches.extend(workspace, link)


def main(workspace: Workspace) -> None:
    names = batches.choices(workspace)
    if not names:
        widgets.empty(
            "There are no batches yet",
            "A batch is a set of pairs given out for labeling together. Importing a file makes "
            "one.",
            wording.command(workspace.home, "import", "FILE", "--batch", "NAME"),
            page="imports",
        )
        return
    batch, state = filters(names)
    live_batches(workspace, batch)
    settling.draw(workspace, batch)
    draw_making(workspace, names, batch)
    draw_links(workspace, batch, state)
    lead_sessions.draw(workspace, batch)
    qualification_round.draw(workspace, batch)


entrance.enter(main)
