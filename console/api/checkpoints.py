"""Routes for checkpoints: list, read, take into use and go back."""

from __future__ import annotations

from fastapi import APIRouter

from console.api.desk import KEY_NEEDED, Desk, ReadingDesk, WritingDesk
from console.api.models import (
    ActivateRequest,
    ActivationOut,
    CheckpointList,
    CheckpointOut,
    RollbackRequest,
)
from console.api.problems import responses
from storage import activations, checkpoints

router = APIRouter(prefix="/v1/checkpoints", tags=["checkpoints"], dependencies=KEY_NEEDED)


@router.get("", responses=responses())
def list_checkpoints(desk: ReadingDesk) -> CheckpointList:
    """All checkpoints, and which one is in use."""
    with desk.workspace.ledger.read() as db:
        found, active = checkpoints.listed(db), activations.active(db)
    return CheckpointList(
        checkpoints=[CheckpointOut.of(row) for row in found],
        active=None if active is None else active.id,
    )


@router.get("/{id_or_name}", responses=responses(404))
def show(desk: ReadingDesk, id_or_name: str) -> CheckpointOut:
    """One checkpoint, by its id or name."""
    with desk.workspace.ledger.read() as db:
        return CheckpointOut.of(checkpoints.get(db, id_or_name))


@router.post("/rollback", status_code=201, responses=responses(403, 409))
def roll_back(desk: WritingDesk, wanted: RollbackRequest) -> ActivationOut:
    """Take the checkpoint into use again that was in use before; both stay on record."""
    with desk.workspace.ledger.write() as tx:
        made = activations.rollback(
            tx, actor=_actor(desk), reason=wanted.reason, expected=wanted.expected
        )
    return ActivationOut.of(made)


@router.post("/{id_or_name}/activate", status_code=201, responses=responses(403, 404, 409))
def activate(desk: WritingDesk, id_or_name: str, wanted: ActivateRequest) -> ActivationOut:
    """Take a checkpoint into use. One that is in use already is answered with 409."""
    with desk.workspace.ledger.write() as tx:
        made = activations.activate(tx, id_or_name, actor=_actor(desk), reason=wanted.reason)
    return ActivationOut.of(made)


def _actor(desk: Desk) -> str:
    return f"API key {desk.key.name}"[: activations.LONGEST_ACTOR]
