"""pairwright checkpoint diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from console.views.changes import Changes
    from console.views.diff import Asked, Comparison
    from storage.workspace import Workspace

_DEFAULT_SAMPLE = 10
_COLUMNS = ("category", "prompts", "broken", "fixed", "undecided", "unchanged")


@shared
def diff(
    run: Run,
    left: Annotated[str, typer.Argument(metavar="C", help="Checkpoint or model.")],
    right: Annotated[str, typer.Argument(metavar="D", help="Checkpoint to compare it with.")],
    prompt: Annotated[
        str, typer.Option(metavar="ID", help="Only this prompt.", show_default=False)
    ] = "",
    category: Annotated[
        str, typer.Option(metavar="X", help="Only prompts of this category.", show_default=False)
    ] = "",
    sample: Annotated[
        int, typer.Option(metavar="N", min=1, help="Changed answers to show.")
    ] = _DEFAULT_SAMPLE,
    judge: Annotated[
        str,
        typer.Option(metavar="NAME", help="A model's labels decide where people said nothing."),
    ] = "",
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all of it: FILE.jsonl or FILE.csv.")
    ] = None,
    collect: Annotated[
        str, typer.Option(metavar="NAME", help="Make a blind batch of the undecided changes.")
    ] = "",
) -> None:
    """Compare what two checkpoints answered to the same prompts: fixed, broken, unchanged.

    Words only in C stand as [-these-], words only in D as {+these+}. The answers come from
    `sample`; greedy ones (temperature 0) count where both have them. What is right decides where
    `checkpoint references` told it, else blind votes on the two answers; regressions come first.
    """
    from console.views import changes
    from console.views import diff as diffs

    with run.workspace() as workspace:
        known = diffs.sources(workspace)
        found = diffs.compare(workspace, diffs.find(known, left), diffs.find(known, right))
        asked = _asked(found, prompt, category)
        decided = changes.read(workspace, found, asked, judge)
        ordered = decided.ordered(asked)
        shown = ordered if prompt else [one for one in ordered if one.changed]
        if export is not None:
            changes.export(workspace, found, decided, export)
        if collect:
            changes.collect(workspace, found, decided, collect)
        _show(run, workspace, found, decided, shown[:sample])


def _asked(found: Comparison, prompt: str, category: str) -> list[Asked]:
    """The prompts in question. Raises NotFoundError when there is none."""
    from console.views import diff as diffs
    from storage.errors import NotFoundError

    answers = diffs.GREEDY if found.greedy and not prompt else diffs.ALL
    asked = found.chosen(answers=answers, category=category)
    if prompt:
        asked = [one for one in asked if one.prompt_id.startswith(prompt)]
    if not asked:
        raise NotFoundError(
            f"No prompt that both {found.left.name} and {found.right.name} answered matches.",
            "Let both answer the same file: pairwright sample --prompts FILE --from C "
            "--set answers=1 --set temperature=0",
        )
    return asked


def _show(
    run: Run,
    workspace: Workspace,
    found: Comparison,
    decided: Changes,
    shown: list[Asked],
) -> None:
    total, *_ = decided.tallies
    rows = [_row(workspace, one, decided) for one in shown]
    names = {"left": found.left.name, "right": found.right.name}
    if run.output.as_json:
        run.output.show(
            {
                **names,
                "prompts": total.prompts,
                "changed": decided.changed,
                "only_left": found.only_left,
                "only_right": found.only_right,
                "categories": [vars(line) for line in decided.tallies],
                "answers": rows,
            }
        )
        return
    for row in rows:
        run.output.show(
            {},
            f"{row['prompt'][:12]} ({row['category']}, {row['outcome']}) {row['question']}",
            *(f"  {names[side]}: {row[side]}" for side in ("left", "right")),
            f"  difference: {row['difference']}",
            "",
        )
    run.output.table(_COLUMNS, [tuple(vars(line).values()) for line in decided.tallies])
    run.output.say(decided.told)
    if found.only_left or found.only_right:
        run.output.say(
            f"Not compared: {found.only_left} prompts that only {found.left.name} answered, "
            f"{found.only_right} that only {found.right.name} answered."
        )


def _row(workspace: Workspace, one: Asked, decided: Changes) -> dict[str, Any]:
    from console.views import diff as diffs

    with workspace.ledger.read() as db:
        question = diffs.question(db, one.prompt_id)
    return {
        "prompt": one.prompt_id,
        "category": one.category,
        "question": question,
        "left": one.left,
        "right": one.right,
        "changed": one.changed,
        "greedy": one.greedy,
        "outcome": decided.by_prompt[one.prompt_id].outcome.value,
        "decided_by": decided.by_prompt[one.prompt_id].decided_by.value,
        "difference": diffs.difference(one.left, one.right),
    }


@shared
def references(
    run: Run,
    path: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Prompts as for `sample`, each with a `reference`."),
    ],
    pictures: Annotated[
        Path | None,
        typer.Option("--media-root", metavar="DIR", help="Folder of the pictures."),
    ] = None,
) -> None:
    """Record what is right: `checkpoint diff` then says which answers were fixed and broken.

    An answer is right when it reads the same as one of the references of its prompt.
    """
    from rounds.changes import references as reading

    with run.workspace() as workspace:
        found = reading.import_file(workspace, path, pictures)
    run.output.show(
        vars(found),
        f"References of {found.added} prompts are new, of {found.present} were known; "
        f"{found.without} lines have none.",
        *(f"Line {one.line}: {one.reason}" for one in found.rejected),
    )
