"""The browsers that opened the bench of a lead, as the console names them."""

from __future__ import annotations

from dataclasses import dataclass

from storage import annotators, batches, lead_sessions
from storage.workspace import Workspace

EVERY_BATCH = "all batches"


@dataclass(frozen=True)
class OpenBench:
    """A browser at the bench of a lead. Times in microseconds."""

    id: str
    lead: str
    batch: str
    opened_at: int
    expires_at: int


def running(workspace: Workspace, batch: str = "") -> list[OpenBench]:
    """Those that work now, newest first; with a batch, those that reach its pairs."""
    with workspace.ledger.read() as db:
        found = lead_sessions.running(db)
        people = {each.id: each.name for each in annotators.listed(db)} if found else {}
        names = {each.id: each.name for each in batches.listed(db)} if found else {}
    shown = [
        OpenBench(
            id=one.id,
            lead=people[one.annotator_id],
            batch=names[one.batch_id] if one.batch_id else EVERY_BATCH,
            opened_at=one.created_at,
            expires_at=one.expires_at,
        )
        for one in found
    ]
    return [one for one in shown if one.batch in (batch or one.batch, EVERY_BATCH)]


def revoke(workspace: Workspace, browser: str) -> None:
    """Close the bench of a lead for one browser.

    Raises:
        NotFoundError: there is no such browser.
    """
    with workspace.ledger.write() as tx:
        lead_sessions.revoke(tx, browser)
