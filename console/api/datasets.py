"""Routes for dataset versions: list, read, build, write notes, and read the votes behind them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.api.dataset_models import (
    BuildRequest,
    DatasetList,
    DatasetOut,
    NoteList,
    NoteOut,
    NoteRequest,
    VotedRowOut,
    VotedRows,
)
from console.api.desk import KEY_NEEDED, Desk, ReadingDesk, WritingDesk
from console.api.problems import responses
from console.views import dataset_notes as notes
from console.views import dataset_votes
from rounds import dataset
from storage import dataset_notes, dataset_versions
from storage.annotators import LONGEST_NAME

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], dependencies=KEY_NEEDED)


@router.get("", responses=responses())
def list_versions(desk: ReadingDesk) -> DatasetList:
    """All dataset versions."""
    with desk.workspace.ledger.read() as db:
        found, said = dataset_versions.listed(db), dataset_notes.standing(db)
    return DatasetList(datasets=[DatasetOut.of(one, said.get(one.id, "")) for one in found])


@router.get("/{version}", responses=responses(404))
def show(desk: ReadingDesk, version: str) -> DatasetOut:
    """One dataset version."""
    with desk.workspace.ledger.read() as db:
        found = dataset_versions.get(db, version)
    return DatasetOut.of(found, notes.text_of(desk.workspace, found.id))


@router.post("", status_code=201, responses=responses(403, 404))
def build(desk: WritingDesk, wanted: BuildRequest) -> DatasetOut:
    """Freeze the decisions so far. The same decisions and settings give the same version again,
    so that repeating the request is safe without an idempotency key."""
    found = dataset.build(desk.workspace, wanted.settings())
    if wanted.note.strip():
        notes.write(desk.workspace, found.id, wanted.note, _actor(desk))
    return DatasetOut.of(found, notes.text_of(desk.workspace, found.id))


@router.get("/{version}/notes", responses=responses(404))
def list_notes(desk: ReadingDesk, version: str) -> NoteList:
    """All notes on a version, with who wrote them and when."""
    with desk.workspace.ledger.read() as db:
        found = dataset_notes.history(db, dataset_versions.get(db, version).id)
    return NoteList(notes=[NoteOut.of(one) for one in found])


@router.post("/{version}/notes", status_code=201, responses=responses(403, 404))
def write_note(desk: WritingDesk, version: str, wanted: NoteRequest) -> NoteList:
    """Write another note on a version; the same again adds nothing."""
    notes.write(desk.workspace, version, wanted.text, _actor(desk))
    with desk.workspace.ledger.read() as db:
        found = dataset_notes.history(db, version)
    return NoteList(notes=[NoteOut.of(one) for one in found])


@router.get("/{version}/votes", responses=responses(404))
def show_votes(
    desk: ReadingDesk, version: str, page: Annotated[int, Query(ge=1, le=2**31)] = 1
) -> VotedRows:
    """The votes behind a version, a page of its rows at a time: which ones, of whom and when, which
    of them counted, and what they settled."""
    with desk.workspace.ledger.read() as db:
        found = dataset_versions.get(db, version)
    file = dataset_versions.opened(desk.workspace, found)
    shown = dataset_votes.page(desk.workspace, found, file, page)
    return VotedRows(
        version=found.id,
        page=shown.page,
        pages=shown.pages,
        total=shown.total,
        rows=[VotedRowOut.of(row) for row in shown.rows],
    )


def _actor(desk: Desk) -> str:
    return f"API key {desk.key.name}"[:LONGEST_NAME]
