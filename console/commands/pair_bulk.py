"""pairwright pair bulk adjudicate, overlap, exclude, readmit, tag, untag, log, undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands import pair_filtering
from console.commands.pair_filtering import filtered
from console.options import Run, shared

if TYPE_CHECKING:
    from console.views.pair_bulk import Order

By = Annotated[str, typer.Option(metavar="WHO", help="Who does so.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with it.")]
Why = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with it.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", help="Do so to more than 100 pairs.")]
Pairs = Annotated[
    list[str],
    typer.Option("--pair", metavar="PAIR", help="Only this pair, by its whole id; repeatable."),
]
Tag = Annotated[str, typer.Argument(metavar="TAG", help="One line of up to 50 characters.")]
_COLUMNS = ("number", "when", "what", "pairs", "by", "reason", "state")


@shared
@filtered
def tag(
    run: Run,
    named: Tag,
    said: Mapping[str, str],
    pair: Pairs = [],  # noqa: B006
    by: By = "lead",
    reason: Why = "",
    yes: Yes = False,
) -> None:
    """Tag all pairs that match, to find them again; nobody who labels sees a tag."""
    from console.views.pair_bulk import Order
    from storage.pair_actions import ActionKind

    _do(run, Order(ActionKind.TAG, named, by, reason), said, pair, yes)


@shared
@filtered
def untag(
    run: Run,
    named: Tag,
    said: Mapping[str, str],
    pair: Pairs = [],  # noqa: B006
    by: By = "lead",
    reason: Why = "",
    yes: Yes = False,
) -> None:
    """Remove a tag from all pairs that match and have it."""
    from console.views.pair_bulk import Order
    from storage.pair_actions import ActionKind

    _do(run, Order(ActionKind.UNTAG, named, by, reason), said, pair, yes)


@shared
@filtered
def overlap(
    run: Run,
    votes: Annotated[int, typer.Argument(metavar="N", min=1, max=100, help="Votes more.")],
    said: Mapping[str, str],
    pair: Pairs = [],  # noqa: B006
    by: By = "lead",
    reason: Why = "",
    yes: Yes = False,
) -> None:
    """Ask for more votes on all pairs that match than their batches ask for."""
    from console.views.pair_bulk import Order
    from storage.pair_actions import ActionKind

    _do(run, Order(ActionKind.OVERLAP, str(votes), by, reason), said, pair, yes)


@shared
@filtered
def adjudicate(
    run: Run,
    said: Mapping[str, str],
    pair: Pairs = [],  # noqa: B006
    by: By = "lead",
    reason: Why = "",
    yes: Yes = False,
) -> None:
    """Send all pairs that match to the leads' queue; they are offered to nobody else."""
    from console.views.pair_bulk import Order
    from storage.pair_actions import ActionKind

    _do(run, Order(ActionKind.ADJUDICATE, "", by, reason), said, pair, yes)


@shared
@filtered
def exclude(
    run: Run,
    reason: Reason,
    said: Mapping[str, str],
    pair: Pairs = [],  # noqa: B006
    by: By = "lead",
    yes: Yes = False,
) -> None:
    """Exclude all pairs that match: no figure and no new dataset version rests on them."""
    from console.views.pair_bulk import Order
    from storage.pair_actions import ActionKind

    _do(run, Order(ActionKind.EXCLUDE, "", by, reason), said, pair, yes)


@shared
@filtered
def readmit(
    run: Run,
    reason: Reason,
    said: Mapping[str, str],
    pair: Pairs = [],  # noqa: B006
    by: By = "lead",
    yes: Yes = False,
) -> None:
    """Let excluded pairs that match count again."""
    from console.views.pair_bulk import Order
    from storage.pair_actions import ActionKind

    _do(run, Order(ActionKind.READMIT, "", by, reason), said, pair, yes)


@shared
def log(
    run: Run,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many.")] = 50,
) -> None:
    """List what was done to many pairs at once, the newest first."""
    from console.views import pair_bulk

    with run.workspace() as workspace:
        found = pair_bulk.listed(workspace, limit)
    if run.output.as_json:
        run.output.show({"actions": [pair_bulk.as_json(one) for one in found]})
        return
    columns = {name: name for name in _COLUMNS}
    run.output.show_rows("actions", pair_bulk.lines(found), columns, "Nothing was done yet.")


@shared
def undo(
    run: Run,
    number: Annotated[
        int | None,
        typer.Argument(metavar="[NUMBER]", help="Of the action, as pair bulk log has it."),
    ] = None,
    by: By = "lead",
    reason: Why = "",
) -> None:
    """Take back an action, the last one without a number: all is as it was before.

    Refused where votes, decisions or another action since then stand in the way.
    """
    from console.views import pair_bulk

    with run.workspace() as workspace:
        made = pair_bulk.undo(workspace, number, by, reason)
    run.output.show(
        pair_bulk.as_json(made),
        f"Action {made.number}: {pair_bulk.what(made)}, {made.pairs:,} pairs.",
    )


def _do(run: Run, order: Order, said: Mapping[str, str], pair: list[str], yes: bool) -> None:
    from console.views import pair_bulk
    from storage.errors import WrongInputError

    with run.workspace() as workspace:
        search = pair_filtering.wanted(workspace, said)
        ids = pair_bulk.ids_of(workspace, search, pair)
        if len(ids) > pair_bulk.FEW and not yes:
            raise WrongInputError(
                f"This is about {len(ids):,} pairs.", "Say --yes to do so, or narrow the filters."
            )
        made = pair_bulk.apply(workspace, order, ids, search.facts.batch)
    run.output.show(
        pair_bulk.as_json(made),
        f"Action {made.number}: {pair_bulk.what(made)}, {made.pairs:,} of {len(ids):,} pairs.",
        f"Take it back with: pairwright pair bulk undo {made.number}",
    )


COMMANDS: Mapping[str, Callable[..., None]] = {
    **{"tag": tag, "untag": untag, "overlap": overlap, "adjudicate": adjudicate},
    **{"exclude": exclude, "readmit": readmit, "log": log, "undo": undo},
}
