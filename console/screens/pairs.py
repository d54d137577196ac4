"""Pairs: filter, page through, and look at one pair with its votes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import streamlit as st

from console import entrance, widgets
from console.views import pairs, wording
from console.views.pairs import Answer, Choices, PairDetail, PairsPage
from storage.errors import NotFoundError
from storage.pairs import PairFilter
from storage.rows import Media, Turn, Verdict
from storage.workspace import Workspace

LINES = {
    "prompt": st.column_config.TextColumn("Prompt", width=220),
    "category": st.column_config.TextColumn("Category", width=90),
    "votes": st.column_config.NumberColumn("Votes", width=50),
    "consensus": st.column_config.TextColumn("Consensus", width=90),
    "imported": st.column_config.TextColumn("Imported", width=70),
}
VOTES = {
    "annotator": "Annotator",
    "verdict": "Verdict",
    "shown": "Shown",
    "batch": "Batch",
    "when": "When",
}
BADGES = {"chosen": "blue", "rejected": "orange"}
# pictures narrower than this are not blown up, in pixels
WIDE = 200


def filters(choices: Choices) -> tuple[PairFilter, int]:
    """Every filter lives in the URL; a change starts again at the first page."""
    batch, category, annotator, verdict, text, size = st.columns([2, 2, 2, 2, 3, 1])
    wanted = PairFilter(
        batch=choose(batch, "Batch", choices.batches),
        category=choose(category, "Category", choices.categories),
        annotator=choose(annotator, "Annotator", choices.annotators),
        verdict=choose(verdict, "Verdict", [verdict.value for verdict in Verdict]),
        text=text.text_input(
            "Text",
            key="text",
            bind="query-params",
            type="search",
            placeholder="in prompt or answers",
            max_chars=200,
            on_change=start_over,
        )
        or "",
    )
    per_page = size.selectbox(
        "Per page", pairs.PAGE_SIZES, key="size", bind="query-params", on_change=start_over
    )
    return wanted, int(per_page or pairs.PAGE_SIZES[0])


def choose(place: st.delta_generator.DeltaGenerator, label: str, options: Sequence[str]) -> str:
    chosen = place.selectbox(
        label,
        options,
        index=None,
        key=label.lower(),
        bind="query-params",
        placeholder="all",
        on_change=start_over,
        format_func=verdict_name if label == "Verdict" else str,
    )
    return chosen or ""


def verdict_name(value: str) -> str:
    return pairs.VERDICTS[Verdict(value)]


def start_over() -> None:
    """What was selected may not match any more."""
    st.session_state["page"] = 1
    st.query_params.pop("pair", None)


def page_number() -> int:
    """The page asked for. On the first run the pages' own widget has not read the URL yet."""
    asked = str(st.session_state.get("page") or st.query_params.get("page") or 1)
    return int(asked) if asked.isdecimal() else 1


def chosen_id(page: PairsPage) -> str:
    """The pair of the URL, else the first of the page."""
    return st.query_params.get("pair") or (page.lines[0].id if page.lines else "")


def draw_list(page: PairsPage, selected: str) -> None:
    ids = [line.id for line in page.lines]
    # another list is another table: a selected row never stands for another pair
    key = "list-" + hashlib.sha256("".join(ids).encode()).hexdigest()[:12]
    rows = [ids.index(selected)] if selected in ids else []
    st.dataframe(
        widgets.frame(page.lines, LINES),
        column_config=LINES,
        hide_index=True,
        row_height=widgets.ROW_HEIGHT,
        height=widgets.table_height(len(ids)),
        key=key,
        on_select=lambda: select(key, ids),
        selection_mode="single-row",
        selection_default={"selection": {"rows": rows}},
        alt="Pairs that match the filters",
    )


def select(key: str, ids: Sequence[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(ids):
        st.query_params["pair"] = ids[rows[0]]
    else:
        st.query_params.pop("pair", None)


def draw_detail(workspace: Workspace, pair_id: str) -> None:
    try:
        view = pairs.detail(workspace, pair_id)
    except NotFoundError as error:
        widgets.trouble(error)
        return
    widgets.quiet(f"Pair {view.id[:12]} · {view.category} · {view.consensus}", key="head")
    draw_prompt(workspace, view)
    left, right = st.columns(2, gap="medium")
    for place, answer in zip((left, right), view.answers, strict=True):
        with place:
            draw_answer(answer)
    draw_votes(view)


def draw_prompt(workspace: Workspace, view: PairDetail) -> None:
    """Pictures on the left, the words of every turn on the right."""
    words = st.container()
    if view.media:
        pictures, words = st.columns([2, 3], gap="medium")
        with pictures:
            for item in view.media.values():
                draw_media(workspace, item, view.names[item.id])
    with words:
        for number, turn in enumerate(view.turns, start=1):
            with st.container(key=f"turn-{number}", gap="xsmall"):
                role = turn.role if turn.role in ("system", "user") else "assistant"
                widgets.quiet(role, key=f"role-{number}")
                draw_turn(turn, view.names)


def draw_turn(turn: Turn, names: Mapping[str, str]) -> None:
    for part in turn.parts:
        st.text(part.text if part.type == "text" else f"[{names[part.media]}]")


def draw_media(workspace: Workspace, item: Media, name: str) -> None:
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


def draw_answer(answer: Answer) -> None:
    with st.container(key=f"answer-{answer.standing or 'open'}-{answer.name}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Answer {answer.name}**", width="content")
            if answer.standing:
                st.badge(answer.standing, color=BADGES[answer.standing])
        st.text(answer.text)
        widgets.quiet("from " + ", ".join(answer.sources), key=f"source-{answer.name}")


def draw_votes(view: PairDetail) -> None:
    st.subheader("Votes", anchor=False)
    if view.votes:
        widgets.table(view.votes, VOTES, alt="Votes on this pair")
    else:
        widgets.quiet("Nobody has voted on this pair.", key="no-votes")
    for number, label in enumerate(view.imported):
        widgets.quiet(label, key=f"label-{number}")


def main(workspace: Workspace) -> None:
    choices = pairs.choices(workspace)
    if not choices.batches:
        widgets.empty(
            "There are no pairs yet",
            "A pair is a prompt with two answers. Import a file of them.",
            wording.command(workspace.home, "import", "FILE", "--batch", "NAME"),
        )
        return
    wanted, size = filters(choices)
    page = pairs.page(workspace, wanted, page_number(), size)
    left, right = st.columns([5, 6], gap="medium")
    with left:
        widgets.quiet(page.position, key="position")
        if not page.lines:
            st.text("No pair matches these filters.")
            return
        draw_list(page, chosen_id(page))
        st.pagination(page.pages, key="page", bind="query-params")
    with right:
        draw_detail(workspace, chosen_id(page))


entrance.enter(main)
