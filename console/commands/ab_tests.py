"""pairwright ab."""

from __future__ import annotations

from typing import Annotated

import typer

from console.options import Run, shared

_DUELS = (
    *("first", "second", "first wins", "95%, at any time", "settled"),
    *("won", "ties", "lost", "open", "alike", "so far"),
)
_RANKING = ("checkpoint", "strength", "95%, at one look", "won", "settled")


@shared
def ab(
    run: Run,
    batch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this batch. Default: all A/B tests.")
    ] = None,
) -> None:
    """Show who wins in blind A/B tests.

    `pairwright sample` with --from twice or more makes one. The interval of the win rate holds
    however often one looks; ties count as half. More than two checkpoints are ranked, too.
    """
    from console.commands.batches import check_known
    from console.views import ab_tests
    from rounds.ab import results

    with run.workspace() as workspace:
        check_known(workspace, batch)
        found = results.of_batch(workspace, batch)
    page = ab_tests.page(found)
    run.output.show(ab_tests.as_json(found), *page.notes)
    if run.output.as_json:
        return
    run.output.table(_DUELS, [list(vars(line).values()) for line in page.duels])
    if page.ranking:
        run.output.table(_RANKING, [list(vars(line).values()) for line in page.ranking])
