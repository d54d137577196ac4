"""Diff: one prompt, two checkpoints, what each answered, and which words changed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from console import entrance, widgets
from console.pieces import lists, prompts
from console.views import answers, diff, wording
from console.views import changes as views
from console.views.answers import PromptDetail
from console.views.changes import Changes
from console.views.diff import Asked, Comparison, Line, Source
from rounds.changes.outcomes import ORDER
from storage.errors import NotFoundError
from storage.workspace import Workspace

LINES = {
    "outcome": st.column_config.TextColumn("Outcome", width=75),
    "prompt": st.column_config.TextColumn("Prompt", width=160),
    "category": st.column_config.TextColumn("Category", width=85),
    "left": st.column_config.TextColumn("Left", width=145),
    "right": st.column_config.TextColumn("Right", width=145),
}
CATEGORIES = {
    "category": st.column_config.TextColumn("Category", width=110),
    "prompts": st.column_config.NumberColumn("Prompts", format="localized", width=60),
    "broken": st.column_config.NumberColumn("Broken", format="localized", width=60),
    "fixed": st.column_config.NumberColumn("Fixed", format="localized", width=60),
    "undecided": st.column_config.NumberColumn("Undecided", format="localized", width=70),
    "unchanged": st.column_config.NumberColumn("Unchanged", format="localized", width=70),
}
ANSWERS = {
    "source": st.column_config.TextColumn("Who", width=110),
    "answer": st.column_config.TextColumn("Answer", width="large"),
    "temperature": st.column_config.TextColumn("Temperature", width=90),
    "job": st.column_config.TextColumn("Job", width=110),
    "when": st.column_config.TextColumn("Asked", width=160),
}
REWARDS = {
    "source": "Who",
    "pair": "Pair",
    "chosen": "Reward of chosen",
    "rejected": "Reward of rejected",
    "margin": "Margin",
    "beta": "Beta",
    "reference": "Reference",
    "measured_on": "Measured on",
}
PAGE_SIZE = 25
CHANGED = "changed"
EVERY = "all"
SHOWN = (CHANGED, *(outcome.value for outcome in ORDER[:3]), EVERY)


def choose_sources(known: Sequence[Source]) -> tuple[Source, Source]:
    """Two of those that have answered prompts; at first the newest and what is before it."""
    left, right = st.columns(2)
    names = [one.name for one in known]
    one = left.selectbox(
        "Left", names, index=max(0, len(names) - 2), key="left", bind="query-params"
    )
    other = right.selectbox("Right", names, index=len(names) - 1, key="right", bind="query-params")
    return diff.find(known, str(one)), diff.find(known, str(other))


def choose_prompts(workspace: Workspace, found: Comparison) -> tuple[list[Asked], Changes, str]:
    """The prompts that match the filters, each in the URL, regressions first; what became of all;
    and how their answers were drawn."""
    place, kind, drawn = st.columns(3)
    category = place.selectbox(
        "Category",
        sorted({one.category for one in found.asked}),
        index=None,
        key="category",
        bind="query-params",
        placeholder="all",
        on_change=start_over,
    )
    show = kind.selectbox(
        "Prompts",
        SHOWN,
        key="show",
        bind="query-params",
        on_change=start_over,
        help="Those whose answers changed, those with one outcome, or all that both answered.",
    )
    answered = drawn.selectbox(
        "Answers",
        [diff.GREEDY, diff.ALL] if found.greedy else [diff.ALL],
        key="drawn",
        bind="query-params",
        on_change=start_over,
        help="Greedy ones were drawn at temperature 0: no chance is in their difference.",
    )
    how = str(answered or diff.ALL)
    changes = views.read(workspace, found, found.chosen(answers=how), "")
    matching = found.chosen(answers=how, category=category or "", changed=show == CHANGED)
    outcome = "" if show in (CHANGED, EVERY) else str(show)
    return changes.ordered(matching, outcome), changes, how


def start_over() -> None:
    """What was selected may not match any more."""
    st.session_state["page"] = 1
    st.query_params.pop("prompt", None)


def page_number() -> int:
    """The page asked for. On the first run the pages' own widget has not read the URL yet."""
    asked = str(st.session_state.get("page") or st.query_params.get("page") or 1)
    return int(asked) if asked.isdecimal() else 1


def draw_list(
    workspace: Workspace, found: Comparison, matching: Sequence[Asked], changes: Changes
) -> str:
    """One page of prompts; returns the chosen one."""
    pages = max(1, -(-len(matching) // PAGE_SIZE))
    page = min(max(1, page_number()), pages)
    start = (page - 1) * PAGE_SIZE
    known = {name: one.outcome.value for name, one in changes.by_prompt.items()}
    lines = diff.lines(workspace, matching[start : start + PAGE_SIZE], known)
    widgets.quiet(
        f"Prompts {start + 1:,} to {start + len(lines):,} of {len(matching):,}", key="position"
    )
    selected = st.query_params.get("prompt") or lines[0].id
    draw_lines(lines, selected, found)
    st.pagination(pages, key="page", bind="query-params")
    return selected


def draw_lines(lines: Sequence[Line], selected: str, found: Comparison) -> None:
    titles = {"left": found.left.name, "right": found.right.name}
    columns = {
        name: st.column_config.TextColumn(titles[name][:40], width=145) if name in titles else kind
        for name, kind in LINES.items()
    }
    lists.selectable(
        lines,
        columns,
        parameter="prompt",
        selected=selected,
        alt="Prompts that match the filters, with both answers",
        most_rows=PAGE_SIZE,
    )


def draw_detail(workspace: Workspace, found: Comparison, prompt_id: str, changes: Changes) -> None:
    try:
        view = answers.detail(workspace, found, prompt_id)
    except NotFoundError as error:
        widgets.trouble(error)
        return
    head = f"Prompt {view.id[:12]} · {view.category}"
    if (change := changes.by_prompt.get(view.id)) is not None:
        head += f" · {change.outcome.value}, by {views.name_of(change.decided_by)}"
    widgets.quiet(head, key="head")
    prompts.draw(workspace, view.turns, view.media, view.names)
    if not view.turns:
        widgets.quiet("This prompt is not in the ledger: only its answers were kept.", key="gone")
    for place, side, name, text in zip(
        st.columns(2, gap="medium"),
        ("left", "right"),
        (found.left.name, found.right.name),
        (view.left, view.right),
        strict=True,
    ):
        with place, st.container(key=f"answer-{side}"):
            widgets.quiet(name, key=f"name-{side}")
            st.text(text)
    with st.container(key="answer-difference"):
        widgets.quiet(
            "What changed: [-words only on the left-], {+words only on the right+}", key="legend"
        )
        st.text(view.difference)
    draw_tables(view)


def draw_tables(view: PromptDetail) -> None:
    st.subheader("Everybody's answers", anchor=False)
    widgets.table(view.answers, ANSWERS, alt="All answers to this prompt", most_rows=8)
    if view.rewards:
        st.subheader("Rewards of its pairs", anchor=False)
        widgets.table(view.rewards, REWARDS, alt="Implicit rewards of the pairs of this prompt")


def draw_counts(workspace: Workspace, found: Comparison, changes: Changes, how: str) -> None:
    st.subheader("What became of the answers", anchor=False)
    widgets.table(changes.tallies, CATEGORIES, alt="Outcomes by category", most_rows=20)
    widgets.quiet(changes.told, key="told")
    draw_collecting(workspace, found, changes)
    left_out = [
        f"{wording.count(count, 'prompt')} that only {source.name} answered"
        for count, source in ((found.only_left, found.left), (found.only_right, found.right))
        if count
    ]
    if left_out:
        widgets.quiet(f"Not compared: {' and '.join(left_out)}.", key="left-out")
    if how == diff.ALL and found.greedy < len(found.asked):
        drawn = len(found.asked) - found.greedy
        widgets.quiet(
            f"{wording.count(drawn, 'prompt')} of these were not answered greedily by both: some "
            "of their difference is chance.",
            key="chance",
        )


def draw_collecting(workspace: Workspace, found: Comparison, changes: Changes) -> None:
    """Undecided changes become a batch in which nobody sees who answered."""
    if said := st.session_state.pop("changes-said", ""):
        st.text(said)
    if not changes.tallies[0].undecided:
        return
    field, button = st.columns([3, 2], vertical_alignment="bottom")
    batch = field.text_input("Let experts decide the rest: name of the batch", key="changes-batch")
    button.button(
        "Make batch",
        key="changes-collect",
        width="stretch",
        disabled=not (batch or "").strip(),
        on_click=collect,
        args=(workspace, found, changes, (batch or "").strip()),
    )


def collect(workspace: Workspace, found: Comparison, changes: Changes, batch: str) -> None:
    with entrance.explained():
        made = views.collect(workspace, found, changes, batch)
        count = wording.count(changes.tallies[0].undecided, "pair")
        st.session_state["changes-said"] = f"Batch {made.name} has {count}; hand out a link."


def draw_empty(workspace: Workspace, known: Sequence[Source]) -> None:
    name = known[0].name if known else "MODEL"
    text = "Let a model and a checkpoint that was trained from it answer the same prompts."
    if known:
        text = f"So far {name} alone has answered prompts. Let a checkpoint answer the same ones."
    words = ("sample", "--prompts", "FILE", "--from", "CHECKPOINT")
    greedily = ("--set", "answers=1", "--set", "temperature=0")
    widgets.empty(
        "There are no answers to compare yet",
        text,
        wording.command(workspace.home, *words, *greedily),
    )


def main(workspace: Workspace) -> None:
    known = diff.sources(workspace)
    if len(known) < 2:
        draw_empty(workspace, known)
        return
    left, right = choose_sources(known)
    found = diff.compare(workspace, left, right)
    if not found.asked:
        widgets.empty(
            "They have no prompt in common",
            f"{left.name} and {right.name} have answered different prompts. Let the one answer "
            "the file of the other.",
            wording.command(
                *(workspace.home, "sample", "--prompts", "FILE", "--from", right.name),
                *("--set", "answers=1", "--set", "temperature=0"),
            ),
        )
        return
    matching, changes, how = choose_prompts(workspace, found)
    listed, detail = st.columns([5, 6], gap="medium")
    with listed:
        selected = draw_list(workspace, found, matching, changes) if matching else ""
        if not matching:
            st.text("No answer that matches these filters.")
        draw_counts(workspace, found, changes, how)
    if selected:
        with detail:
            draw_detail(workspace, found, selected, changes)


entrance.enter(main)
