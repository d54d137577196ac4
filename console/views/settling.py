"""What the console says about pairs that wait for a lead, and the way to their bench."""

from __future__ import annotations

from console import serving
from labeling.adjudication import access
from storage import batches, disputes
from storage.workspace import Workspace

DEFAULT_LEAD = access.DEFAULT_LEAD
MINUTES = access.LINK_SECONDS // 60


def waiting(workspace: Workspace, batch: str = "") -> int:
    """Contested and reported pairs of a batch, or of all, that wait for a lead.

    Raises:
        NotFoundError: there is no such batch.
    """
    with workspace.ledger.read() as db:
        return disputes.count(db, batches.get(db, batch).id if batch else None)


def address(workspace: Workspace, lead: str, batch: str = "") -> str:
    """The address of a new link to the bench of a lead; it opens once, within `MINUTES`.

    Raises:
        PairwrightError: as `labeling.adjudication.access.mint`.
    """
    return access.address(workspace, serving.known_public_url(workspace.home), lead, batch or None)
