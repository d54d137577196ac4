"""Routes for dataset versions: list, read, build."""

from __future__ import annotations

from fastapi import APIRouter

from console.api.desk import KEY_NEEDED, ReadingDesk, WritingDesk
from console.api.models import BuildRequest, DatasetList, DatasetOut
from console.api.problems import responses
from rounds import dataset
from storage import dataset_versions

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], dependencies=KEY_NEEDED)


@router.get("", responses=responses())
def list_versions(desk: ReadingDesk) -> DatasetList:
    """All dataset versions."""
    with desk.workspace.ledger.read() as db:
        found = dataset_versions.listed(db)
    return DatasetList(datasets=[DatasetOut.of(version) for version in found])


@router.get("/{version}", responses=responses(404))
def show(desk: ReadingDesk, version: str) -> DatasetOut:
    """One dataset version."""
    with desk.workspace.ledger.read() as db:
        return DatasetOut.of(dataset_versions.get(db, version))


@router.post("", status_code=201, responses=responses(403, 404))
def build(desk: WritingDesk, wanted: BuildRequest) -> DatasetOut:
    """Freeze the decisions so far. The same decisions and settings give the same version again,
    so that repeating the request is safe without an idempotency key."""
    settings = dataset.BuildSettings(**wanted.model_dump())
    return DatasetOut.of(dataset.build(desk.workspace, settings))
