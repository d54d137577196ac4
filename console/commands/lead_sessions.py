"""pairwright lead list, revoke."""

from __future__ import annotations

from typing import Annotated

import typer

from console.options import Run, shared

_COLUMNS = {
    "browser": "id",
    "lead": "lead",
    "batch": "batch",
    "opened": "opened_at",
    "until": "expires_at",
}


@shared
def list_sessions(run: Run) -> None:
    """List the browsers that opened the bench of a lead and may still decide there."""
    from console.views import lead_sessions

    with run.workspace() as workspace:
        found = lead_sessions.running(workspace)
    rows = [vars(one) for one in found]
    run.output.show_rows("browsers", rows, _COLUMNS, "No browser has the bench of a lead open.")


@shared
def revoke(
    run: Run,
    browser: Annotated[str, typer.Argument(metavar="BROWSER", help="Id of a browser of a lead.")],
) -> None:
    """Close the bench of a lead for one browser, with its next request; decisions stay."""
    from storage import lead_sessions

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        revoked = lead_sessions.revoke(tx, browser)
    run.output.show(
        {"browser": revoked.id, "revoked_at": revoked.revoked_at},
        f"Browser {browser} no longer opens the bench of a lead.",
    )


COMMANDS = {"list": list_sessions, "revoke": revoke}
