"""What the Agreement page says while there is nothing to measure, and the one next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console.views import wording
from labeling.agreement.report import Coefficients
from storage import batches, clock, links
from storage.rows import Batch
from storage.workspace import Workspace


@dataclass(frozen=True)
class Missing:
    """What is missing, the one next step, its command and its page; none where there is only
    waiting."""

    title: str
    text: str
    command: str = ""
    page: str = ""


def no_batches(home: Path) -> Missing:
    """A workspace that has nothing to agree on."""
    return Missing(
        "There is nothing to agree on yet",
        "Agreement compares the votes of several people on the same pairs. Import pairs, with two "
        "or more votes wanted for each.",
        wording.command(home, "import", "FILE", "--batch", "NAME", "--overlap", "2"),
        page="imports",
    )


def of_votes(workspace: Workspace, batch: str, found: Coefficients) -> Missing:
    """Why nobody shares a pair, of a batch or of all when `batch` is empty."""
    with workspace.ledger.read() as db:
        looked_at = [batches.get(db, batch)] if batch else batches.listed(db)
        now = clock.now(db)
        given = {each.id: links.listed(db, each.id) for each in looked_at}
    if all(each.overlap < 2 for each in looked_at):
        return _overlap_of_one(workspace.home, looked_at)
    wide = next(each for each in looked_at if each.overlap > 1)
    active = {link.annotator_id for link in given[wide.id] if links.state(link, now) == "active"}
    return _second_person(workspace, wide, found, len(active))


def _overlap_of_one(home: Path, looked_at: Sequence[Batch]) -> Missing:
    several = len(looked_at) > 1
    name = "NAME" if several else looked_at[0].name
    what = "Every batch here asks" if several else f"Batch {name} asks"
    return Missing(
        "Nobody shares a pair",
        f"{what} for one vote per pair (overlap 1), so no pair is judged by two people. Import the "
        "same file again with a higher overlap: nothing is imported twice, and the pairs are "
        "offered to a second annotator.",
        wording.command(home, "import", "FILE", "--batch", name, "--overlap", "2"),
        page="imports",
    )


def _second_person(
    workspace: Workspace, batch: Batch, found: Coefficients, labelers: int
) -> Missing:
    title = "Nobody shares a pair yet" if found.votes else "There are no votes yet"
    so_far = f"{found.raters:,} annotators have voted, on different pairs"
    if found.raters < 2:
        so_far = "One annotator has voted" if found.votes else "Nobody has voted"
    asked = f"Batch {batch.name} asks for {batch.overlap} votes per pair"
    if labelers > 1:
        return Missing(
            title,
            f"{so_far}. {asked}, and {labelers} people have an active link: figures stand here as "
            "soon as two of them have judged the same pair.",
        )
    return Missing(
        title,
        f"{so_far}. {asked}: hand out links until two people have one; the second gets the same "
        "pairs as the first.",
        wording.command(
            workspace.home, "link", "create", "--batch", batch.name, "--annotator", "WHO"
        ),
        page="batches",
    )
