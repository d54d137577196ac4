"""Pairs: filter, page through, and look at one pair with its votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import streamlit as st

from console import entrance, widgets
from console.pieces import lists, prompts, settling
from console.views import pair_detail, pairs, wording
from console.views.pair_detail import Answer, PairDetail
from console.views.pairs import Choices, PairsPage
from labeling.explorer import STATES, Search
from storage.errors import DamagedError, NotFoundError, WrongInputError
from storage.pair_filters import REPORTS, PairFilter
from storage.rows import Verdict
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
    "counts": "Counts",
}
HISTORY = {
    "when": st.column_config.TextColumn("When", width=150),
    "annotator": st.column_config.TextColumn("Who", width=90),
    "what": st.column_config.TextColumn("What", width=190),
    "said": st.column_config.TextColumn("Said with it", width="medium"),
    "batch": st.column_config.TextColumn("Batch", width=80),
}
REWARDS = {
    "source": st.column_config.TextColumn("Who", width=140),
    "margin": st.column_config.TextColumn("Margin", width=70),
    "chosen": st.column_config.TextColumn("Reward of chosen", width=110),
    "rejected": st.column_config.TextColumn("Reward of rejected", width=115),
    "measured_on": st.column_config.TextColumn("Measured on", width=90),
    "reference": st.column_config.TextColumn("Reference", width=90),
}
# names in the address
MORE = {"source", "consensus", "report", "failure", "from", "to", "low", "high"}
BADGES = {"chosen": "blue", "rejected": "orange"}


def filters(choices: Choices) -> tuple[Search, int]:
    """Every filter lives in the URL; a change starts again at the first page."""
    batch, category, annotator, verdict, text, size = st.columns([2, 2, 2, 2, 3, 1])
    facts = PairFilter(
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
    return more_filters(facts, choices), int(per_page or pairs.PAGE_SIZES[0])


def more_filters(facts: PairFilter, choices: Choices) -> Search:
    """Those that are asked for less often, open when the address has one of them."""
    with st.expander("More filters", expanded=bool(MORE & st.query_params.to_dict().keys())):
        source, consensus, low, high = st.columns(4)
        report, failure, first, last = st.columns(4)
    found = replace(
        facts,
        source=choose(source, "Source", choices.sources, "File or checkpoint of an answer."),
        report=choose(report, "Report", REPORTS, "Open: no lead has dismissed or decided it."),
        failure=choose(failure, "Failure", choices.failures, "What is wrong with an answer."),
        voted_from=day(first, "Voted from", "from"),
        voted_to=day(last, "Voted to", "to"),
    )
    return Search(
        facts=found,
        consensus=choose(consensus, "Consensus", STATES, "Of all votes, by majority."),
        confidence_from=confidence(low, "Confidence from", "low"),
        confidence_to=confidence(high, "Confidence to", "high"),
    )


def day(place: st.delta_generator.DeltaGenerator, label: str, key: str) -> str:
    found = place.date_input(
        label,
        value=None,
        # by default the days of an address that are ten years past would be dropped
        min_value=date(2000, 1, 1),
        key=key,
        bind="query-params",
        format="YYYY-MM-DD",
        on_change=start_over,
        help="A day in UTC.",
    )
    return found.isoformat() if found else ""


def confidence(place: st.delta_generator.DeltaGenerator, label: str, key: str) -> float | None:
    found: float | None = place.number_input(
        label,
        0.0,
        1.0,
        None,
        step=0.05,
        key=key,
        bind="query-params",
        placeholder="any",
        on_change=start_over,
        help="Only pairs with a winner have a confidence.",
    )
    return found


def choose(
    place: st.delta_generator.DeltaGenerator, label: str, options: Sequence[str], tip: str = ""
) -> str:
    chosen = place.selectbox(
        label,
        options,
        index=None,
        key=label.lower(),
        bind="query-params",
        placeholder="all",
        on_change=start_over,
        format_func=verdict_name if label == "Verdict" else str,
        help=tip or None,
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


def draw_detail(workspace: Workspace, pair_id: str) -> None:
    try:
        view = pair_detail.detail(workspace, pair_id)
    except (NotFoundError, DamagedError) as error:
        widgets.trouble(error)
        return
    widgets.quiet(f"Pair {view.id[:12]} · {view.category} · {view.consensus}", key="head")
    prompts.draw(workspace, view.turns, view.media, view.names)
    left, right = st.columns(2, gap="medium")
    for place, answer in zip((left, right), view.answers, strict=True):
        with place:
            draw_answer(answer)
    with st.expander("Words that differ, from A to B"):
        st.text(view.difference)
    draw_votes(view)
    draw_history(view)
    draw_use(view)


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
    for number, decision in enumerate(view.decisions):
        widgets.quiet(decision, key=f"decision-{number}")
    for number, label in enumerate(view.imported):
        widgets.quiet(label, key=f"label-{number}")


def draw_history(view: PairDetail) -> None:
    if not view.history:
        return
    title = f"History: {wording.count(len(view.history), 'event')}"
    with st.expander(title, key="history"):
        widgets.table(view.history, HISTORY, alt="Everything that was said about this pair")


def draw_use(view: PairDetail) -> None:
    """What models make of the pair, and which datasets have it."""
    st.subheader("Checkpoints and datasets", anchor=False)
    if view.rewards:
        widgets.table(view.rewards, REWARDS, alt="What each checkpoint makes of this pair")
    else:
        widgets.quiet("No checkpoint was measured on this pair.", key="no-rewards")
    used = ", ".join(view.used)
    widgets.quiet(f"Dataset versions with it: {used or 'none'}.", key="used")


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
    wanted, size = filters(choices)
    settling.draw(workspace, wanted.facts.batch)
    try:
        page = pairs.page(workspace, wanted, page_number(), size)
    except WrongInputError as error:
        widgets.trouble(error)
        return
    left, right = st.columns([5, 6], gap="medium")
    with left:
        widgets.quiet(page.position, key="position")
        if not page.lines:
            st.text("No pair matches these filters.")
            return
        lists.selectable(
            page.lines,
            LINES,
            parameter="pair",
            selected=chosen_id(page),
            alt="Pairs that match the filters",
            most_rows=size,
        )
        st.pagination(page.pages, key="page", bind="query-params")
    with right:
        draw_detail(workspace, chosen_id(page))


entrance.enter(main)
