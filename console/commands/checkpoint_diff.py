"""pairwright checkpoint diff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from console.views.diff import Asked, Comparison
    from storage.workspace import Workspace

_DEFAULT_SAMPLE = 10
_COLUMNS = ("category", "prompts", "changed", "share changed")


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
) -> None:
    """Compare what two checkpoints answered to the same prompts.

    Words only in C stand as [-these-], words only in D as {+these+}. The answers come from
    `sample`; greedy ones (temperature 0) count where both have them.
    """
    from console.views import diff as diffs
    from storage.errors import NotFoundError

    with run.workspace() as workspace:
        known = diffs.sources(workspace)
        found = diffs.compare(workspace, diffs.find(known, left), diffs.find(known, right))
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
        # ids are hashes, so the first ones are as good as drawn
        shown = asked if prompt else [one for one in asked if one.changed]
        _show(run, workspace, found, asked, shown[:sample])


def _show(
    run: Run,
    workspace: Workspace,
    found: Comparison,
    asked: list[Asked],
    shown: list[Asked],
) -> None:
    from console.views import diff as diffs

    counted = diffs.categories(asked)
    rows = [_row(workspace, one) for one in shown]
    names = {"left": found.left.name, "right": found.right.name}
    if run.output.as_json:
        run.output.show(
            {
                **names,
                "prompts": counted[0].prompts,
                "changed": counted[0].changed,
                "only_left": found.only_left,
                "only_right": found.only_right,
                "categories": [
                    {"category": line.category, "prompts": line.prompts, "changed": line.changed}
                    for line in counted
                ],
                "answers": rows,
            }
        )
        return
    for row in rows:
        run.output.show(
            {},
            f"{row['prompt'][:12]} ({row['category']}) {row['question']}",
            *(f"  {names[side]}: {row[side]}" for side in ("left", "right")),
            f"  difference: {row['difference']}",
            "",
        )
    run.output.table(_COLUMNS, [tuple(vars(line).values()) for line in counted])
    if found.only_left or found.only_right:
        run.output.say(
            f"Not compared: {found.only_left} prompts that only {found.left.name} answered, "
            f"{found.only_right} that only {found.right.name} answered."
        )


def _row(workspace: Workspace, one: Asked) -> dict[str, Any]:
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
        "difference": diffs.difference(one.left, one.right),
    }
