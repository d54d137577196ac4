"""pairwright pair view save, list, rename, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from console.commands import pair_filtering
from console.commands.pair_filtering import filtered
from console.options import Run, shared

Name = Annotated[str, typer.Argument(metavar="NAME", help="One line of up to 60 characters.")]
_COLUMNS = {"name": "name", "filters": "filters", "by": "by"}


@shared
@filtered
def save(
    run: Run,
    name: Name,
    said: Mapping[str, str],
    by: Annotated[str, typer.Option(metavar="WHO", help="Who saves it.")] = "lead",
    replace: Annotated[
        bool, typer.Option("--replace", help="In place of one of this name.")
    ] = False,
) -> None:
    """Keep filters under a name; pair list --view NAME and the Pairs page use them."""
    from console.views import pair_searches

    with run.workspace() as workspace:
        search = pair_filtering.wanted(workspace, said)
        made = pair_searches.save(workspace, name, search, by, replace)
    run.output.show(
        vars(made), f"View {made.name} is saved: {pair_searches.sentence(made.search)}."
    )


@shared
def listing(run: Run) -> None:
    """List the saved views."""
    from console.views import pair_searches

    with run.workspace() as workspace:
        found = pair_searches.listed(workspace)
    if run.output.as_json:
        run.output.show({"views": [vars(one) for one in found]})
        return
    nothing = "No view is saved. pairwright pair view save NAME --batch NAME saves one."
    run.output.show_rows("views", pair_searches.lines(found), _COLUMNS, nothing)


@shared
def rename(run: Run, name: Name, new_name: Name) -> None:
    """Give a saved view another name."""
    from console.views import pair_searches

    with run.workspace() as workspace:
        made = pair_searches.rename(workspace, name, new_name)
    run.output.show(vars(made), f"View {name} is named {made.name} now.")


@shared
def delete(run: Run, name: Name) -> None:
    """Forget a saved view; no pair is changed."""
    from console.views import pair_searches

    with run.workspace() as workspace:
        pair_searches.delete(workspace, name)
    run.output.show({"deleted": name}, f"View {name} is deleted.")


COMMANDS: Mapping[str, Callable[..., None]] = {
    "save": save,
    "list": listing,
    "rename": rename,
    "delete": delete,
}
