"""Notes on dataset versions: who wrote what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.views import wording
from storage import dataset_notes, dataset_versions
from storage.dataset_notes import DatasetNote
from storage.workspace import Workspace

REMOVED = "(taken away)"


@dataclass(frozen=True)
class NoteLine:
    """One event in the list of notes."""

    when: str
    by: str
    text: str


def write(workspace: Workspace, version_id: str, text: str, by: str) -> DatasetNote | None:
    """Make this the note on a version. Raises as `storage.dataset_notes.write`.

    Raises:
        NotFoundError: no such version.
    """
    with workspace.ledger.write() as tx:
        dataset_versions.get(tx, version_id)
        return dataset_notes.write(tx, version_id, text, actor=by)


def text_of(workspace: Workspace, version_id: str) -> str:
    """The note on a version; empty without one."""
    with workspace.ledger.read() as db:
        found = dataset_notes.last(db, version_id)
    return found.text if found else ""


def lines(notes: Sequence[DatasetNote]) -> list[NoteLine]:
    return [
        NoteLine(wording.stamp(one.created_at), one.actor, one.text or REMOVED) for one in notes
    ]


def signed(note: DatasetNote) -> str:
    """Who wrote it, and when."""
    what = "Note by" if note.text else "Note taken away by"
    return f"{what} {note.actor}, {wording.stamp(note.created_at)}"
