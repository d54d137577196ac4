"""pairwright pair list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands import pair_filtering
from console.commands.pair_filtering import filtered
from console.options import Run, shared

if TYPE_CHECKING:
    from console.views.pairs import PairLine

_COLUMNS = ("pair", "category", "votes", "consensus", "imported", "tags", "prompt")
_SHORT = 12


@shared
@filtered
def listing(
    run: Run,
    said: Mapping[str, str],
    after: Annotated[
        str, typer.Option(metavar="PAIR", help="Begin behind this pair.", show_default=False)
    ] = "",
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="N", help="At most so many.")
    ] = 50,
) -> None:
    """List the pairs that match: by position in a batch, else oldest first.

    What is asked of votes must be true of one vote: by this person, for this, within these days.
    """
    from console.views import pairs
    from labeling.explorer import Cursor

    with run.workspace() as workspace:
        found = pair_filtering.wanted(workspace, said)
        page = pairs.page(workspace, found, Cursor(after), limit)
    following = page.lines[-1].id if page.has_after else None
    if run.output.as_json:
        rows = [_told(line) for line in page.lines]
        run.output.show({"total": page.total, "pairs": rows, "after": following})
    elif not page.lines:
        run.output.say("No pair matches these filters.")
    else:
        shown = [
            {**vars(line), "pair": line.id[:_SHORT], "tags": ", ".join(line.tags)}
            for line in page.lines
        ]
        run.output.table(_COLUMNS, ([row[name] for name in _COLUMNS] for row in shown))
        run.output.say(f"{page.position}.")
        if following:
            run.output.say(f"More: --after {following}")


def _told(line: PairLine) -> dict[str, object]:
    """With the name that the id of a pair has in the other commands."""
    told = vars(line).copy()
    return {"pair_id": told.pop("id"), **told}


COMMANDS = {"list": listing}
