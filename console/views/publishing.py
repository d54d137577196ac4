"""Publishing from the console: what is on the Hub of one checkpoint, and the push of it."""

from __future__ import annotations

from collections.abc import Sequence

from console.views import wording
from storage import publications
from storage.rows import Publication
from storage.workspace import Workspace
from training.hub import submission


def of_checkpoint(workspace: Workspace, checkpoint_id: str) -> Sequence[tuple[str, str]]:
    """Where a checkpoint was published to, a sentence and a link each, the newest first."""
    with workspace.ledger.read() as db:
        return [told(row) for row in publications.listed(db, checkpoint_id, "checkpoint")]


def told(row: Publication) -> tuple[str, str]:
    """A publication as a sentence, and the link to its commit."""
    whose = "private" if row.private else "public"
    tag = f", tag {row.tag}" if row.tag else ""
    sentence = (
        f"Published as {row.repo} ({whose}), revision {row.revision[:12]}{tag}, "
        f"{wording.stamp(row.created_at)}."
    )
    return sentence, row.url


def push(workspace: Workspace, checkpoint_id: str, repo: str, private: bool) -> str:
    """Queue the push of a checkpoint; return the job's id.

    Raises:
        WrongInputError: the name cannot be a repository.
        NotFoundError: there is no such checkpoint.
    """
    return submission.submit_checkpoint(workspace, checkpoint_id, repo, private=private).id
