"""Links that were made by themselves and wait for a lead to see their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.views import batches as shown
from console.views import wording
from console.views.batches import NewLink
from labeling import prepared_links
from storage import annotators, batches, clock, links
from storage.workspace import Workspace


@dataclass(frozen=True)
class PreparedLinks:
    """Links of a batch that open nothing until their addresses are shown."""

    batch: str
    annotators: Sequence[str]

    @property
    def summary(self) -> str:
        """For whom, and what they are."""
        count = wording.count(len(self.annotators), "link")
        verb = "is" if len(self.annotators) == 1 else "are"
        return (
            f"{count} to batch {self.batch} {verb} prepared: {', '.join(self.annotators)}. Nothing "
            "opens before the addresses are shown, which happens once."
        )


def waiting(workspace: Workspace, batch: str = "") -> list[PreparedLinks]:
    """Batches with such links, only the one with this name when given."""
    with workspace.ledger.read() as db:
        now = clock.now(db)
        names = {one.id: one.name for one in batches.listed(db) if batch in ("", one.name)}
        people = {one.id: one.name for one in annotators.listed(db)}
        found: dict[str, list[str]] = {}
        for link in links.listed(db):
            if link.batch_id in names and links.state(link, now) == links.PREPARED:
                found.setdefault(names[link.batch_id], []).append(people[link.annotator_id])
    return [PreparedLinks(name, sorted(who)) for name, who in found.items()]


def reveal(workspace: Workspace, batch: str) -> list[NewLink]:
    """Give the prepared links of a batch their addresses; they work for a week from now on.

    Raises:
        PairwrightError: as `labeling.prepared_links.reveal`.
    """
    minted = prepared_links.reveal(workspace, batch)
    with workspace.ledger.read() as db:
        people = {one.id: one.name for one in annotators.listed(db)}
    return [shown.new_link(workspace, one, batch, people[one.link.annotator_id]) for one in minted]
